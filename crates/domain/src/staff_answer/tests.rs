//! Which answers of staff are sent, and until when.

use chrono::TimeDelta;

use super::*;
use crate::facts::{Fact, Facts, Stamp};
use crate::ids::BookingId;
use crate::plan::tests::resort;
use crate::resort::{Language, Mode, Resort, Template, Value, Variable, Variables};

const ADA: &str = "+306912345678";

fn noon() -> DateTime<Utc> {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

/// With a template of the first reminder, which needs nothing, and of the confirmation, which needs the guest's name.
fn furnished() -> Resort {
    let mut resort = resort();
    let name = Variable {
        value: Value::GuestFirstName,
        or_else: None,
    };
    for (kind, body) in [
        (MessageKind::Reminder1, Vec::new()),
        (MessageKind::ReservationConfirmation, vec![name]),
    ] {
        let template = Template {
            name: kind.to_string(),
            language_code: "en".to_owned(),
            header: Variables::Positional(Vec::new()),
            body: Variables::Positional(body),
            button_url: None,
            replies: Vec::new(),
        };
        let by_language = [(Language::parse("en").unwrap(), template)].into();
        resort.templates.insert(kind, by_language);
    }
    resort
}

fn facts(phone: Option<&str>) -> Facts {
    let phone = phone.map(|phone| Fact {
        stamp: Stamp {
            at: DateTime::UNIX_EPOCH,
            rank: 0,
            event: "direct/1".into(),
        },
        value: Personal::new(phone),
    });
    Facts {
        phone,
        ..Facts::default()
    }
}

/// One judgement, with a change of what it depends on.
fn judged(
    answer: &StaffAnswer,
    change: impl FnOnce(&mut Resort, &mut Facts, &mut Around<'_>),
) -> Result<Window, AnswerRefused> {
    let (mut resort, mut facts, booking) = (furnished(), facts(Some(ADA)), BookingId::parse("BK-1").unwrap());
    let mut around = Around {
        open_until: Some(noon() + TimeDelta::hours(3)),
        is_opted_out: false,
        marketing: &BTreeSet::new(),
    };
    change(&mut resort, &mut facts, &mut around);
    let subject = Subject {
        kind: MessageKind::StaffAnswer,
        booking: &booking,
        facts: &facts,
        resort: &resort,
    };
    judge(subject, answer, &around, noon())
}

fn text(text: &str) -> StaffAnswer {
    StaffAnswer::Text(Personal::new(text))
}

const REMINDER: StaffAnswer = StaffAnswer::Template(MessageKind::Reminder1);

// shows: B180
#[test]
fn words_of_ones_own_can_be_sent_until_the_window_shuts_and_then_the_reason_is_plain() {
    let open = judged(&text("Yes, it is heated."), |_, _, _| {}).unwrap();
    let shut = judged(&text("Yes, it is heated."), |_, _, around| {
        around.open_until = Some(noon())
    });
    let never = judged(&text("Yes, it is heated."), |_, _, around| {
        around.open_until = None
    });

    assert_eq!(
        (open.opens_at, open.closes_at),
        (noon(), noon() + TimeDelta::hours(3))
    );
    assert_eq!(
        (shut, never),
        (Err(AnswerRefused::WindowShut), Err(AnswerRefused::WindowShut))
    );
    let told = AnswerRefused::WindowShut.to_string();
    assert_eq!(
        told,
        "the window is shut until the guest writes again: only a template can be sent"
    );
}

#[test]
fn a_text_that_whatsapp_would_refuse_is_not_taken() {
    assert_eq!(judged(&text(" \n"), |_, _, _| {}), Err(AnswerRefused::Empty));
    assert!(judged(&text(&"ä".repeat(4_096)), |_, _, _| {}).is_ok());
    let too_long = judged(&text(&"ä".repeat(4_097)), |_, _, _| {});
    assert_eq!(too_long, Err(AnswerRefused::TooLong));
}

// shows: B181
#[test]
fn a_template_can_be_sent_when_the_window_is_shut_where_it_can_be_filled_in_and_the_guest_allows_it() {
    let shut = |_: &mut Resort, _: &mut Facts, around: &mut Around<'_>| around.open_until = None;
    let opted_out = |_: &mut Resort, _: &mut Facts, around: &mut Around<'_>| around.is_opted_out = true;

    let window = judged(&REMINDER, shut).unwrap();
    assert_eq!(window.closes_at, noon() + TimeDelta::hours(24));
    let confirmation = StaffAnswer::Template(MessageKind::ReservationConfirmation);
    assert_eq!(judged(&confirmation, shut), Err(AnswerRefused::MissingValue));
    let review = StaffAnswer::Template(MessageKind::ReviewRequest);
    assert_eq!(judged(&review, shut), Err(AnswerRefused::NoTemplate));
    assert_eq!(judged(&REMINDER, opted_out), Err(AnswerRefused::OptedOut));
    // Who writes is answered: that is no marketing.
    assert!(judged(&text("Yes."), opted_out).is_ok());
}

#[test]
fn who_was_erased_or_has_no_number_or_is_no_test_number_gets_no_answer() {
    let erased = judged(&text("Hello"), |_, facts, _| {
        *facts = std::mem::take(facts).without_guest(noon());
    });
    let without = judged(&text("Hello"), |_, facts, _| facts.phone = None);
    let in_test_mode = judged(&text("Hello"), |resort, _, _| resort.mode = Mode::Test([].into()));

    assert_eq!(erased, Err(AnswerRefused::Erased));
    assert_eq!(without, Err(AnswerRefused::NoNumber));
    assert_eq!(in_test_mode, Err(AnswerRefused::TestMode));
}

#[test]
fn the_usable_templates_are_those_that_would_be_taken() {
    let (resort, facts, booking) = (furnished(), facts(Some(ADA)), BookingId::parse("BK-1").unwrap());
    let around = Around {
        open_until: None,
        is_opted_out: false,
        marketing: &BTreeSet::new(),
    };
    let subject = Subject {
        kind: MessageKind::StaffAnswer,
        booking: &booking,
        facts: &facts,
        resort: &resort,
    };

    assert_eq!(
        usable_templates(subject, &around, noon()),
        [MessageKind::Reminder1]
    );
}

#[test]
fn an_answer_shows_nothing_of_its_text_and_reads_back() {
    let answer = text("Ada, the pool is heated");

    assert!(!format!("{answer:?}").contains("Ada"));
    let stored = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<StaffAnswer>(&stored).unwrap(), answer);
    let stored = serde_json::to_string(&REMINDER).unwrap();
    assert_eq!(stored, r#"{"template":"reminder_1"}"#);
}
