//! The business number: whether it can send, how well it stands, and how much it may send.

use whatsapp::account::{Health, NumberFacts};

use super::finding::{Finding, NUMBER};
use crate::actions::masking::HIDDEN;

const CHECK: &str = "number";

pub(super) fn findings(facts: &NumberFacts) -> Vec<Finding> {
    let all = [registration(facts), status(facts), quality(facts), name(facts)];
    let mut found: Vec<Finding> = all.into_iter().flatten().collect();
    if found.is_empty() {
        let number = facts.display_phone_number.as_deref().map(masked);
        let name = facts.verified_name.as_deref().unwrap_or("without a name");
        let quality = facts.quality_rating.as_deref().unwrap_or("not told");
        found.push(ok(format!(
            "{}, {name}: registered and connected, quality {quality}",
            number.as_deref().unwrap_or("the number")
        )));
    }
    match facts.throughput.as_deref() {
        Some("STANDARD") => found.push(ok("it may send 80 messages a second")),
        Some("HIGH") => found.push(ok("it may send 1,000 messages a second")),
        _ => {}
    }
    found
}

/// The last three digits. Numbers that Meta lends for tests are no valid ones, so nothing is parsed.
fn masked(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let last = digits.len().saturating_sub(3);
    format!("{HIDDEN}{}", digits.iter().skip(last).collect::<String>())
}

/// How many guests the number may write to; `limit` as Meta names it.
pub(super) fn limit(limit: Option<&str>) -> Option<Finding> {
    let limit = limit?;
    let guests = match limit.trim_start_matches("TIER_") {
        "UNLIMITED" => return Some(ok("any number of guests may get messages in 24 hours")),
        "NOT_SET" => {
            let unset = Finding::warning(CHECK, NUMBER, "the messaging limit is not set yet")
                .then("Meta may refuse to deliver messages to guests who have not written")
                .so("finish the set-up of the business in WhatsApp Manager");
            return Some(unset);
        }
        guests => guests.replace('K', ",000"),
    };
    let text = format!(
        "at most {guests} guests who have not written may get messages in 24 hours, from all numbers of the business together"
    );
    Some(ok(text))
}

pub(super) fn health(all: &[Health]) -> Vec<Finding> {
    let bad = all.iter().filter(|one| one.can_send != "AVAILABLE");
    bad.map(|one| {
        let text = format!(
            "{}: sending is {}",
            entity(&one.entity),
            one.can_send.to_ascii_lowercase()
        );
        let finding = if one.can_send == "LIMITED" {
            Finding::warning(CHECK, NUMBER, text).then("some messages are not delivered")
        } else {
            Finding::error(CHECK, NUMBER, text).then("no message is delivered")
        };
        let causes = one.errors.iter().map(|(code, words)| match code {
            Some(code) => format!("{code}: {words}"),
            None => words.clone(),
        });
        let causes: Vec<String> = causes.collect();
        if causes.is_empty() {
            finding.so("look at the account in WhatsApp Manager")
        } else {
            finding.so(format!("Meta says: {}", causes.join("; ")))
        }
    })
    .collect()
}

fn entity(kind: &str) -> &str {
    match kind {
        "PHONE_NUMBER" => "the number",
        "WABA" => "the business account",
        "BUSINESS" => "the business",
        "APP" => "the app",
        other => other,
    }
}

fn registration(facts: &NumberFacts) -> Option<Finding> {
    let platform = facts
        .platform_type
        .as_deref()
        .filter(|kind| *kind != "CLOUD_API")?;
    let text = match platform {
        "ON_PREMISE" => "the number is registered with the On-Premises API, not with the Cloud API",
        _ => "the number is not registered with the Cloud API",
    };
    let found = Finding::error(CHECK, NUMBER, text)
        .then("WhatsApp refuses every message with code 133010, and the number is held")
        .so("register it: POST /PHONE_NUMBER_ID/register with its two-step PIN, or WhatsApp Manager");
    Some(found)
}

fn status(facts: &NumberFacts) -> Option<Finding> {
    let status = facts.status.as_deref().filter(|status| *status != "CONNECTED")?;
    let text = format!("the number's status is {status}");
    let found = match status {
        "FLAGGED" | "WARNED" | "RATE_LIMITED" => Finding::warning(CHECK, NUMBER, text)
            .then("guests block or report it; Meta restricts it if that goes on")
            .so("send less, and only what guests want, until it recovers; look at WhatsApp Manager"),
        _ => Finding::error(CHECK, NUMBER, text)
            .then("WhatsApp refuses the number's messages, and the number is held")
            .so("look at the number in WhatsApp Manager; finish its registration, or appeal"),
    };
    Some(found)
}

fn quality(facts: &NumberFacts) -> Option<Finding> {
    let quality = facts.quality_rating.as_deref()?;
    let effect = match quality {
        "RED" => "Meta may restrict the number, pause its templates and keep its limit low",
        "YELLOW" => "if it falls further Meta may restrict the number",
        _ => return None,
    };
    let found = Finding::warning(CHECK, NUMBER, format!("the number's quality is {quality}"))
        .then(effect)
        .so("send less, and only what guests want; a second reminder costs the most");
    Some(found)
}

fn name(facts: &NumberFacts) -> Option<Finding> {
    let status = facts.name_status.as_deref()?;
    if !matches!(status, "DECLINED" | "EXPIRED") {
        return None;
    }
    let found = Finding::warning(CHECK, NUMBER, format!("the number's display name is {status}"))
        .then("guests see the number alone; without an approved name messages may be refused (131037)")
        .so("submit a name in WhatsApp Manager");
    Some(found)
}

fn ok(text: impl Into<String>) -> Finding {
    Finding::ok(CHECK, NUMBER, text)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{self, Error, Ok, Warning};
    use super::*;

    fn facts() -> NumberFacts {
        let text = |text: &str| Some(text.to_owned());
        NumberFacts {
            display_phone_number: text("+1 555-010-0200"),
            verified_name: text("Azure Bay"),
            quality_rating: text("GREEN"),
            status: text("CONNECTED"),
            code_verification_status: text("EXPIRED"),
            name_status: text("APPROVED"),
            platform_type: text("CLOUD_API"),
            throughput: text("STANDARD"),
        }
    }

    fn check(change: impl FnOnce(&mut NumberFacts), expected: &[(Severity, &str)]) {
        let mut facts = facts();
        change(&mut facts);

        let found = findings(&facts);

        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, (severity, part)) in found.iter().zip(expected) {
            assert_eq!(found.severity, *severity, "{found:?}");
            assert!(found.text.contains(part), "{part}: {found:?}");
        }
    }

    #[test]
    fn a_number_is_judged_by_registration_status_quality_and_name() {
        let text = |text: &str| Some(text.to_owned());
        let usual = (Ok, "80 messages a second");
        check(|_| {}, &[(Ok, "quality GREEN"), usual]);
        check(
            |facts| facts.platform_type = text("NOT_APPLICABLE"),
            &[(Error, "not registered"), usual],
        );
        check(|facts| facts.status = text("BANNED"), &[(Error, "BANNED"), usual]);
        check(
            |facts| facts.status = text("FLAGGED"),
            &[(Warning, "FLAGGED"), usual],
        );
        check(
            |facts| facts.quality_rating = text("RED"),
            &[(Warning, "RED"), usual],
        );
        check(
            |facts| facts.name_status = text("DECLINED"),
            &[(Warning, "DECLINED"), usual],
        );
        check(
            |facts| *facts = NumberFacts::default(),
            &[(Ok, "quality not told")],
        );
    }

    #[test]
    fn the_numbers_digits_are_masked() {
        let found = findings(&facts());

        assert!(!found[0].text.contains("555"), "{found:?}");
    }

    #[test]
    fn the_limit_is_written_as_a_number_of_guests() {
        for (tier, severity, part) in [
            ("TIER_250", Ok, "at most 250 guests"),
            ("TIER_2K", Ok, "at most 2,000 guests"),
            ("TIER_UNLIMITED", Ok, "any number"),
            ("TIER_NOT_SET", Warning, "not set"),
        ] {
            let found = limit(Some(tier)).unwrap();
            assert!(
                found.severity == severity && found.text.contains(part),
                "{found:?}"
            );
        }
        assert_eq!(limit(None), None);
    }

    #[test]
    fn what_blocks_sending_is_told_in_metas_own_words() {
        let blocked = Health {
            entity: "WABA".to_owned(),
            can_send: "BLOCKED".to_owned(),
            errors: vec![(
                Some(141_006),
                "There is an error with the payment method.".to_owned(),
            )],
        };
        let available = Health {
            entity: "APP".to_owned(),
            can_send: "AVAILABLE".to_owned(),
            errors: Vec::new(),
        };

        let found = health(&[blocked, available]);

        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Error);
        assert_eq!(found[0].text, "the business account: sending is blocked");
        assert!(
            found[0]
                .remedy
                .contains("141006: There is an error with the payment")
        );
    }
}
