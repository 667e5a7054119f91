//! The choices of a filter: what the open letters of the member's resorts have.

use std::collections::BTreeSet;

use domain::dead_letter::{DeadLetterReason, LetterKind, Standing};
use domain::ids::NO_RESORT;
use store::letters::Choices;
use store::staff::NOBODY;

use super::asked::Asked;
use crate::web::desk::Desk;
use crate::web::page::spaced;
use crate::web::visitor::Visitor;

/// Ages that the menus offer.
const AGES: [(&str, &str); 5] = [
    ("1h", "an hour"),
    ("6h", "6 hours"),
    ("1d", "a day"),
    ("3d", "3 days"),
    ("7d", "a week"),
];

/// A choice of the filter.
pub(super) struct Menu {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    /// What is asked for without a choice.
    pub(super) any: &'static str,
    pub(super) options: Vec<(String, String)>,
    pub(super) chosen: String,
}

pub(super) fn menus(desk: &Desk, visitor: &Visitor, asked: &Asked, choices: &Choices) -> Vec<Menu> {
    let files = desk.files.current();
    let own = files
        .resorts()
        .filter(|resort| visitor.access().reaches(Some(&resort.id)).is_ok());
    let resorts: BTreeSet<String> = own
        .map(|resort| resort.id.to_string())
        .chain(choices.resorts.iter().cloned())
        .collect();
    let of_none = visitor
        .access()
        .reaches(None)
        .is_ok()
        .then(|| NO_RESORT.to_owned());
    let resorts = of_none.into_iter().chain(resorts);
    let mut assignees = choices.assignees.clone();
    assignees.insert(visitor.identity.name.to_string());
    let spoken = |words: Vec<&str>| {
        words
            .into_iter()
            .map(|word| (word.to_owned(), spaced(word)))
            .collect()
    };
    let named = |names: Vec<String>| names.into_iter().map(|name| (name.clone(), name)).collect();
    let mut assignees: Vec<_> = named(assignees.into_iter().collect());
    assignees.insert(0, (NOBODY.to_owned(), "no one".to_owned()));
    let ages = || AGES.map(|(age, said)| (age.to_owned(), said.to_owned())).to_vec();
    let mut states: Vec<&str> = Standing::ALL.iter().copied().map(Standing::as_str).collect();
    states.retain(|state| *state != Standing::Open.as_str());
    states.push("all");
    let kinds = LetterKind::ALL.iter().copied().map(LetterKind::as_str).collect();
    let reasons = DeadLetterReason::ALL
        .iter()
        .copied()
        .map(DeadLetterReason::as_str);
    [
        ("reason", "Reason", "every reason", spoken(reasons.collect())),
        ("resort", "Resort", "every resort", named(resorts.collect())),
        ("kind", "About", "messages and events", spoken(kinds)),
        (
            "source",
            "Source",
            "every source",
            named(choices.sources.iter().cloned().collect()),
        ),
        ("assignee", "Taken by", "anyone", assignees),
        ("older", "Older than", "any age", ages()),
        ("younger", "Younger than", "any age", ages()),
        ("state", "State", "open", spoken(states)),
    ]
    .into_iter()
    .map(|(key, label, any, options)| menu(asked, key, label, any, options))
    .collect()
}

fn menu(
    asked: &Asked,
    key: &'static str,
    label: &'static str,
    any: &'static str,
    mut options: Vec<(String, String)>,
) -> Menu {
    let chosen = asked.value(key);
    // An address may ask for what no menu offers.
    if !chosen.is_empty() && options.iter().all(|(value, _)| *value != chosen) {
        options.push((chosen.clone(), chosen.clone()));
    }
    Menu {
        key,
        label,
        any,
        options,
        chosen,
    }
}

/// What a filter asks for, in the words of its menus: `reason refused, resort azure-bay`.
pub(super) fn active(asked: &Asked, menus: &[Menu]) -> String {
    // The number that was searched for stands above the list.
    if asked.filter.guest.is_some() {
        return String::new();
    }
    let chosen = menus.iter().filter_map(|menu| {
        let (_, said) = menu.options.iter().find(|(value, _)| *value == menu.chosen)?;
        Some(format!("{} {said}", menu.label.to_lowercase()))
    });
    let id = Some(asked.value("id")).filter(|id| !id.is_empty());
    let ticked = (!asked.filter.letters.is_empty()).then(|| "chosen letters".to_owned());
    let all = chosen.chain(id.map(|id| format!("id {id}"))).chain(ticked);
    all.collect::<Vec<_>>().join(", ")
}
