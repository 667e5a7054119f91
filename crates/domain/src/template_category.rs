//! What follows when WhatsApp makes a template marketing that was utility.
//!
//! Guests can refuse marketing, and it costs more. So the messages of other kinds that use the template wait for a person
//! ([`holds`]), who lets them go, has the template changed, or names another one in the resort's file. Those that go by it
//! all the same obey the guest's refusals ([`crate::before_call`]).

use crate::hold::Coverage;
use crate::message::MessageKind;
use crate::resort::{Resort, Resorts, Template};

/// WhatsApp's word for the category that guests can refuse.
pub const MARKETING: &str = "MARKETING";

/// The reason of a hold that a change of category laid.
pub const BECAME_MARKETING: &str = "became_marketing";

/// What has to wait once this template, `name/language`, is marketing: each kind that is not marketing and may be sent by
/// it, for each number.
pub fn holds(resorts: &Resorts, template: &str) -> Vec<Coverage> {
    let mut found: Vec<Coverage> = Vec::new();
    for resort in resorts.values() {
        for kind in resort.moments.keys().filter(|kind| !resort.is_marketing(**kind)) {
            let coverage = Coverage {
                number: Some(resort.number.clone()),
                template: Some(template.to_owned()),
                kind: Some(*kind),
                ..Coverage::default()
            };
            if may_be_sent_by(resort, *kind, template) && !found.contains(&coverage) {
                found.push(coverage);
            }
        }
    }
    found
}

fn may_be_sent_by(resort: &Resort, kind: MessageKind, template: &str) -> bool {
    let is_it = |one: &Template| format!("{}/{}", one.name, one.language_code) == template;
    let own = resort.templates.get(&kind).into_iter().flatten();
    let fallback = resort.fallback_templates.iter();
    kind.has_templates() && own.chain(fallback).any(|(_, one)| is_it(one))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::ResortId;
    use crate::plan::tests::resort;
    use crate::resort::{Language, Variables};

    fn template(name: &str) -> (Language, Template) {
        let template = Template {
            name: name.to_owned(),
            language_code: "en_US".to_owned(),
            header: Variables::Positional(Vec::new()),
            body: Variables::Positional(Vec::new()),
            button_url: None,
            replies: Vec::new(),
        };
        (Language::parse("en").unwrap(), template)
    }

    fn resorts() -> Resorts {
        let mut one = resort();
        one.templates = [
            (MessageKind::Reminder1, [template("reminder")].into()),
            (
                MessageKind::ReservationConfirmation,
                [template("confirmed")].into(),
            ),
        ]
        .into();
        one.fallback_templates = [template("contact")].into();
        let other = Resort {
            id: ResortId::parse("sea-view").unwrap(),
            ..one.clone()
        };
        [one, other]
            .into_iter()
            .map(|resort| (resort.id.clone(), Arc::new(resort)))
            .collect()
    }

    #[test]
    fn a_template_that_became_marketing_holds_the_kinds_that_are_not_once_for_each_number() {
        let held = |template| {
            let holds = holds(&resorts(), template);
            holds.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let number = resort().number;
        let of = |template| {
            vec![format!(
                "number={number} template={template} kind=reservation_confirmation"
            )]
        };

        assert_eq!(held("confirmed/en_US"), of("confirmed/en_US"));
        assert_eq!(held("contact/en_US"), of("contact/en_US"), "the fallback");
        assert!(held("confirmed/de").is_empty(), "another language");
        assert!(held("reminder/en_US").is_empty(), "marketing before");
    }
}
