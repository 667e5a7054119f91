//! What is allowed in a resort's file, but hardly meant.

use domain::message::MessageKind;
use domain::resort::{Mode, Resort};

use crate::document::Table;
use crate::finding::Severity;

pub(super) fn give(resort: &Resort, file: &Table<'_>) {
    let warn = |text: String| file.note(Severity::Warning, text);
    let language = resort.language.as_str();
    if resort.fallback_template(None).is_none() {
        warn(format!(
            "fallback.template.{language} is missing: a message without a template would be held"
        ));
    }
    for kind in MessageKind::ALL.iter().filter(|kind| is_sent(resort, **kind)) {
        if resort.template(*kind, None).is_none() {
            warn(format!(
                "templates.{kind}.{language} is missing: guests who speak it, or no other, get the fallback"
            ));
        }
    }
    if matches!(&resort.mode, Mode::Test(numbers) if numbers.is_empty()) {
        warn("mode is \"test\" and test_numbers is empty: nothing is sent".to_owned());
    }
}

fn is_sent(resort: &Resort, kind: MessageKind) -> bool {
    match kind {
        MessageKind::Reminder1 | MessageKind::ReservationConfirmation => true,
        MessageKind::Reminder2 => resort.abandonment.reminder_2.is_some(),
        MessageKind::ReviewRequest => resort.review_after_check_out.is_some(),
        // It has words of its own, and no template.
        MessageKind::StopConfirmation => false,
    }
}
