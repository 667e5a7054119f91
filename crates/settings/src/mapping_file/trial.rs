//! Tries a file's own expressions on what the platform published, so that a misspelt key is found before a guest is missed.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{ResortId, SourceId};
use mapping::check::Standing;
use mapping::samples::{self, Sample, Sent};
use mapping::{Definition, Element, Field, Mapped, Mapping, Request, ResortOf, Tools, Verdict};

use crate::document::Entry;

/// Fields whose expressions mostly decide that there is nothing to say.
const MAY_SAY_NOTHING: &[Field] = &[Field::Notify, Field::GuestConsent];

/// Warns of a mapping that makes an event of no sample, and of each own field that gets a value from none.
pub(super) fn run(platform: &str, definition: &Definition, map: &Entry<'_>, fields: &[(Field, Entry<'_>)]) {
    let elements: Vec<Element> = samples::of(platform)
        .iter()
        .filter_map(Sample::sent)
        .flat_map(|sent| elements(platform, definition, &sent))
        .collect();
    let is_read = |element: &Element| !matches!(element.verdict, Verdict::Ignored(_));
    if !elements.is_empty() && !elements.iter().any(is_read) {
        map.warn(format_args!(
            "makes an event of no payload that {platform} published"
        ));
        return;
    }
    let (mut read, mut found) = (BTreeSet::new(), BTreeSet::new());
    for reading in elements.iter().flat_map(|element| &element.readings) {
        read.insert(reading.field);
        if matches!(reading.cast, Ok(Some(_))) {
            found.insert(reading.field);
        }
    }
    for (field, entry) in fields {
        if read.contains(field) && !found.contains(field) && !MAY_SAY_NOTHING.contains(field) {
            entry.warn(format_args!(
                "gets a value from no payload that {platform} published"
            ));
        }
    }
}

/// What the sample's events are read as, at one resort; and their properties, which a single resort does not ask for.
fn elements(platform: &str, definition: &Definition, sent: &Sent) -> Vec<Element> {
    let property = definition
        .fields
        .get(&Field::Property)
        .map(|expression| ResortOf::Property {
            expression: expression.clone(),
            resorts: BTreeMap::new(),
        });
    let resort = ResortId::parse("sample").ok().map(ResortOf::One);
    let resorts = resort.into_iter().chain(property);
    let mapped = resorts.filter_map(|resort| map(platform, definition.clone(), resort, sent));
    let elements = mapped.flat_map(|mapped| match mapped {
        Mapped::Elements(elements) => elements,
        Mapped::Unmappable(_) => Vec::new(),
    });
    elements.collect()
}

/// Maps a sample, with what the platform answered where it was asked for more. `None`: the platform's name is no source's.
pub(super) fn map(platform: &str, definition: Definition, resort: ResortOf, sent: &Sent) -> Option<Mapped> {
    let mapping = Mapping {
        definition,
        resort,
        can_fetch: true,
    };
    let source = SourceId::parse(platform).ok()?;
    let tools = Tools {
        keyed_hash: &|_| [0; 32],
        is_late: &|| false,
    };
    let request = Request::new(&source, &sent.kept, sent.fetched.as_ref(), tools);
    let standing = |_: &ResortId| Standing::Allowed {
        link_hosts: None,
        locale: sent.locale,
    };
    Some(mapping.map(&request, &standing))
}
