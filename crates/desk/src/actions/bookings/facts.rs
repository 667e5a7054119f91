//! Facts for people: each with its value and the event that said so; what identifies the guest is masked.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::country::Country;
use domain::facts::{Fact, Facts, Notify};
use serde::Serialize;
use serde_json::Value;

use crate::actions::personal::Personal;

/// One fact.
#[derive(Debug, Serialize)]
pub(crate) struct FactView {
    /// What is known; absent where the fact is that something happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Value>,
    /// `false`: nothing is sent for it. Only for what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notify: Option<bool>,
    /// Since when.
    pub(crate) at: DateTime<Utc>,
    /// Who said so: source and id.
    pub(crate) event: String,
}

/// The facts by name.
pub(super) fn view(facts: &Facts, resort: Option<Country>, personal: Personal) -> BTreeMap<String, FactView> {
    let mut views = BTreeMap::new();
    let happened = [
        ("activity", &facts.activity),
        ("abandoned", &facts.abandoned),
        ("confirmed", &facts.confirmed),
        ("modified", &facts.modified),
        ("cancelled", &facts.cancelled),
        ("checked_in", &facts.checked_in),
        ("checked_out", &facts.checked_out),
        ("stopped", &facts.stopped),
    ];
    for (name, fact) in happened {
        add(&mut views, name, fact, |view, notify| {
            view.notify = Some(*notify == Notify::Yes)
        });
    }
    known(&mut views, "cart", &facts.cart);
    known(&mut views, "became", &facts.became);
    known(&mut views, "check_in", &facts.check_in);
    known(&mut views, "check_out", &facts.check_out);
    known(&mut views, "guests", &facts.guests);
    known(&mut views, "room", &facts.room);
    known(&mut views, "total", &facts.total);
    known(&mut views, "country", &facts.country);
    known(&mut views, "language", &facts.language);
    known(&mut views, "consent", &facts.consent);
    for (name, fact) in [("name", &facts.name), ("resume_url", &facts.resume_url)] {
        add(&mut views, name, fact, |view, text| {
            view.value = Some(Value::String(personal.text(text.reveal())));
        });
    }
    let country = facts.country_of_numbers(resort);
    add(&mut views, "phone", &facts.phone, |view, text| {
        view.value = Some(Value::String(personal.phone(text.reveal(), country)));
    });
    add(
        &mut views,
        "corrected_phone",
        &facts.corrected_phone,
        |view, correction| {
            view.value = Some(Value::String(personal.number(&correction.number)));
        },
    );
    views
}

fn known<T: Serialize>(views: &mut BTreeMap<String, FactView>, name: &str, fact: &Option<Fact<T>>) {
    add(views, name, fact, |view, value| {
        view.value = serde_json::to_value(value).ok()
    });
}

fn add<T>(
    views: &mut BTreeMap<String, FactView>,
    name: &str,
    fact: &Option<Fact<T>>,
    fill: impl FnOnce(&mut FactView, &T),
) {
    if let Some(fact) = fact {
        let mut view = FactView {
            value: None,
            notify: None,
            at: fact.stamp.at,
            event: fact.stamp.event.clone(),
        };
        fill(&mut view, &fact.value);
        views.insert(name.to_owned(), view);
    }
}
