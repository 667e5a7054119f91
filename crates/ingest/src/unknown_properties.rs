//! Properties that no source's file names: told once each, since a platform may send every booking of its account.

use std::collections::BTreeSet;
use std::sync::Mutex;

use domain::ids::SourceId;
use mapping::{Element, Field};
use service::lock;
use uuid::Uuid;

/// How many are remembered; those beyond are counted and not told.
const MOST: usize = 1_000;

#[derive(Default)]
pub(crate) struct UnknownProperties(Mutex<BTreeSet<(SourceId, String)>>);

impl UnknownProperties {
    /// Logs the element's property, if it was not told since the start of the process.
    pub(crate) fn tell(&self, source: &SourceId, element: &Element, request_id: Uuid) {
        let reading = element
            .readings
            .iter()
            .find(|reading| reading.field == Field::Property);
        let cast = reading.and_then(|reading| reading.cast.as_ref().ok()?.as_ref());
        let Some(property) = cast.and_then(|cast| cast.as_str()) else {
            return;
        };
        let mut told = lock(&self.0);
        if told.len() < MOST && told.insert((source.clone(), property.to_owned())) {
            log::warn!("request.id":% = request_id, source = source.as_str(), property,
                event = "unknown_property", alert = "unknown_property";
                "webhooks of a property that [properties] does not name are ignored; add it to the source's file, or remove it \
                 from the platform's webhook");
        }
    }
}
