//! Tries a file's own expressions on what the platform published, so that a misspelt key is found before a guest is missed.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

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
        .flat_map(|sent| elements(platform, definition, sent))
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

/// What the sample's events are read as, at one resort; and their properties, which `resort` does not ask for.
fn elements(platform: &str, definition: &Definition, sent: Sent) -> Vec<Element> {
    let (Ok(resort), Ok(source)) = (ResortId::parse("sample"), SourceId::parse(platform)) else {
        return Vec::new();
    };
    let property = definition
        .fields
        .get(&Field::Property)
        .map(|expression| ResortOf::Property {
            expression: expression.clone(),
            resorts: BTreeMap::new(),
        });
    let Sent {
        kept,
        fetched,
        locale,
    } = sent;
    let (kept, fetched) = (Arc::new(kept), fetched.map(Arc::new));
    let standing = |_: &ResortId| Standing::Allowed {
        link_hosts: None,
        locale,
    };
    let tools = Tools {
        keyed_hash: &|_| [0; 32],
        is_late: &|| false,
    };
    let request = Request::new(&source, &kept, fetched.as_ref(), tools);
    let mapped = iter::once(ResortOf::One(resort)).chain(property).map(|resort| {
        let mapping = Mapping {
            definition: definition.clone(),
            resort,
            can_fetch: true,
        };
        mapping.map(&request, &standing)
    });
    let elements = mapped.flat_map(|mapped| match mapped {
        Mapped::Elements(elements) => elements,
        Mapped::Unmappable(_) => Vec::new(),
    });
    elements.collect()
}
