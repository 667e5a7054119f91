//! A booking's facts by name, each with its value and its event; what identifies the guest is masked.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::country::Country;
use domain::facts::{Fact, Facts, Notify};
use serde::Serialize;
use serde_json::Value;

use crate::actions::masking::Masking;

#[derive(Debug, Serialize)]
pub(crate) struct FactView {
    /// Absent if the fact is that something happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Value>,
    /// `false`: no message is sent for it. Only if the fact is that something happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notify: Option<bool>,
    pub(crate) at: DateTime<Utc>,
    /// Source and id.
    pub(crate) event: String,
}

pub(super) fn view(facts: &Facts, resort: Option<Country>, masking: Masking) -> BTreeMap<String, FactView> {
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
    for (moment, answer) in facts.answers.iter() {
        known(&mut views, &format!("answer.{moment}"), &Some(answer.clone()));
    }
    for (kind, instruction) in facts.instructions.iter() {
        known(&mut views, &format!("staff.{kind}"), &Some(instruction.clone()));
    }
    add(&mut views, "imported", &facts.imported, |_, ()| {});
    add_personal(&mut views, facts, resort, masking);
    views
}

fn add_personal(
    views: &mut BTreeMap<String, FactView>,
    facts: &Facts,
    resort: Option<Country>,
    masking: Masking,
) {
    for (name, fact) in [("name", &facts.name), ("resume_url", &facts.resume_url)] {
        add(views, name, fact, |view, text| {
            view.value = Some(Value::String(masking.text(text.reveal())));
        });
    }
    let country = facts.country_of_numbers(resort);
    add(views, "phone", &facts.phone, |view, text| {
        view.value = Some(Value::String(masking.phone(text.reveal(), country)));
    });
    add(
        views,
        "corrected_phone",
        &facts.corrected_phone,
        |view, correction| {
            view.value = Some(Value::String(masking.number(&correction.number)));
        },
    );
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
