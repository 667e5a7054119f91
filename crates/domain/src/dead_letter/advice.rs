//! What a dead letter means and what to do about it, in plain words: one table for the command line, the pages and
//! docs/operations.md.

use super::DeadLetterReason;

/// What happened, and what a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    pub happened: &'static str,
    pub to_do: &'static str,
    /// What makes sense, the most likely first.
    pub ways: &'static [Way],
}

/// A way to end a dead letter, or to prepare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Retry,
    /// Put the guest's number right, then retry.
    CorrectNumber,
    /// Say whether the guest has the message.
    Settle,
    Close,
}

impl Way {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::CorrectNumber => "correct the number",
            Self::Settle => "settle",
            Self::Close => "close",
        }
    }
}

use Way::{Close, CorrectNumber, Retry, Settle};

/// By the reason alone.
#[expect(clippy::too_many_lines, reason = "one table")]
pub const fn advice(reason: DeadLetterReason) -> Advice {
    let (happened, to_do, ways): (_, _, &[Way]) = match reason {
        DeadLetterReason::Refused => (
            "WhatsApp refused the message for good.",
            "Mend what WhatsApp's code names, then retry; or reach the guest another way and close it.",
            &[Retry, CorrectNumber, Close],
        ),
        DeadLetterReason::RetriesExhausted => (
            "WhatsApp refused the message several times, for a reason that passes.",
            "Retry it now that some time has gone by.",
            &[Retry, Close],
        ),
        DeadLetterReason::Unreachable => (
            "WhatsApp could not be reached, several times.",
            "Make sure that other messages go, then retry.",
            &[Retry, Close],
        ),
        DeadLetterReason::OutcomeUnknown => (
            "Nobody knows whether the guest has the message: the call's answer was lost, and no report came.",
            "Ask the guest, then settle it. A retry may send it twice.",
            &[Settle, Retry, Close],
        ),
        DeadLetterReason::DeliveryFailed => (
            "WhatsApp took the message and said later that it could not be delivered.",
            "Is the number right? Correct it, then retry; or reach the guest another way and close it.",
            &[CorrectNumber, Retry, Close],
        ),
        DeadLetterReason::TemplateMissing => (
            "The resort's file has no template for this kind of message in any language of the guest.",
            "Add the template to the resort's file, then retry.",
            &[Retry, Close],
        ),
        DeadLetterReason::CannotBeApplied => (
            "The database refused what the platform told, several times.",
            "Show the error to whoever runs Bellhop; retry after the cause is mended.",
            &[Retry, Close],
        ),
        DeadLetterReason::Crashed => (
            "A program crashed several times over what the platform told.",
            "Report the defect with this letter's number; retry after the fix.",
            &[Retry, Close],
        ),
        DeadLetterReason::Undecodable => (
            "What lay in the queue cannot be read, or its key is missing.",
            "Are all keys there (desk keys check)? Then retry; otherwise close it.",
            &[Retry, Close],
        ),
        DeadLetterReason::Unmappable => (
            "The platform sent something that its mapping cannot read.",
            "Mend the mapping of the source (desk source try), then retry all letters of the source.",
            &[Retry, Close],
        ),
        DeadLetterReason::FetchFailed => (
            "The platform did not tell of a booking that its webhook only names.",
            "Find the cause at the platform or in the source's file, then retry.",
            &[Retry, Close],
        ),
        DeadLetterReason::WebhookFailed => (
            "The resort's own tool did not take a webhook for a day, or said that it is gone.",
            "Mend the tool, or the address in the resort's file, then retry; or close it.",
            &[Retry, Close],
        ),
        DeadLetterReason::DeliveryLimit => (
            "RabbitMQ handed it out too often: programs stopped while they were at it.",
            "Retry it. If it comes back, report a defect.",
            &[Retry, Close],
        ),
        DeadLetterReason::UnmatchedStop => (
            "Someone said stop in WhatsApp, and no booking has their number. The stop is in force all the same.",
            "Nothing has to be done. If you know the guest, stop the number of the booking too (desk guests stop), then close it.",
            &[Close],
        ),
    };
    Advice {
        happened,
        to_do,
        ways,
    }
}

/// WhatsApp's codes of which more can be said; the titles of all are in the crate `whatsapp`.
const CODES: &[(i64, Advice)] = &[
    (
        190,
        Advice {
            happened: "The resort's access token is no longer valid.",
            to_do: "Put a new token into the resort's file or its secret, then retry all letters of the resort.",
            ways: &[Retry, Close],
        },
    ),
    (
        131_021,
        Advice {
            happened: "The guest's number is the resort's own.",
            to_do: "Ask for the guest's number, correct it, then retry.",
            ways: &[CorrectNumber, Close],
        },
    ),
    (
        131_026,
        Advice {
            happened: "The number is not on WhatsApp, or the guest cannot get messages of businesses.",
            to_do: "Is there a typing error in the number? Correct it, then retry; otherwise reach the guest another way and close it.",
            ways: &[CorrectNumber, Retry, Close],
        },
    ),
    (
        131_042,
        Advice {
            happened: "WhatsApp cannot charge the resort's account.",
            to_do: "Mend the method of payment in WhatsApp Manager, then retry all letters of the resort.",
            ways: &[Retry, Close],
        },
    ),
    (
        131_047,
        Advice {
            happened: "A free text was sent later than 24 hours after the guest's last message.",
            to_do: "Retry it: it goes by its template.",
            ways: &[Retry, Close],
        },
    ),
    (
        131_050,
        Advice {
            happened: "The guest told WhatsApp that they want no marketing of this business.",
            to_do: "Leave the guest alone, and close it.",
            ways: &[Close],
        },
    ),
    (
        132_000,
        Advice {
            happened: "The template has another number of values than the resort's file.",
            to_do: "Compare them (desk whatsapp check), mend the file or the template, then retry.",
            ways: &[Retry, Close],
        },
    ),
    (
        132_001,
        Advice {
            happened: "WhatsApp knows no template of that name in that language.",
            to_do: "Compare names and languages (desk whatsapp check), mend the file or the template, then retry.",
            ways: &[Retry, Close],
        },
    ),
    (
        132_015,
        Advice {
            happened: "WhatsApp paused the template because guests complained about it.",
            to_do: "Wait until WhatsApp Manager shows it as active, or change the template; then retry.",
            ways: &[Retry, Close],
        },
    ),
    (
        132_016,
        Advice {
            happened: "WhatsApp disabled the template for good because guests complained about it.",
            to_do: "Make another template, name it in the resort's file, then retry.",
            ways: &[Retry, Close],
        },
    ),
];

/// By WhatsApp's code where it is known, else by the reason.
pub fn of_code(reason: DeadLetterReason, code: Option<i64>) -> Advice {
    let is_of_code = matches!(
        reason,
        DeadLetterReason::Refused | DeadLetterReason::DeliveryFailed
    );
    let found = CODES.iter().find(|(known, _)| is_of_code && Some(*known) == code);
    found.map_or_else(|| advice(reason), |(_, advice)| *advice)
}

/// The table of docs/operations.md: what happened, what to do and which ways there are, by reason and by code.
pub fn table() -> Vec<[String; 4]> {
    let row = |name: String, advice: Advice| {
        let ways: Vec<&str> = advice.ways.iter().map(|way| way.as_str()).collect();
        [
            name,
            advice.happened.to_owned(),
            advice.to_do.to_owned(),
            ways.join(", "),
        ]
    };
    let reasons = DeadLetterReason::ALL
        .iter()
        .map(|reason| row(format!("`{reason}`"), advice(*reason)));
    let codes = CODES
        .iter()
        .map(|(code, advice)| row(format!("`{code}`"), *advice));
    reasons.chain(codes).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");

    // shows: B194
    #[test]
    fn the_operators_page_has_the_same_words() {
        let page = fs::read_to_string(PAGE).unwrap();
        for cells in table() {
            let row = format!("| {} |", cells.join(" | "));
            assert!(page.contains(&row), "docs/operations.md lacks\n{row}");
        }
    }

    #[test]
    fn a_code_speaks_only_where_whatsapp_refused_or_failed_the_message() {
        let of = |reason| of_code(reason, Some(131_026)).ways;

        assert_eq!(of(DeadLetterReason::DeliveryFailed)[0], CorrectNumber);
        assert_eq!(of(DeadLetterReason::Unreachable), [Retry, Close]);
        assert_eq!(
            of_code(DeadLetterReason::Refused, Some(1)),
            advice(DeadLetterReason::Refused)
        );
    }

    #[test]
    fn whatever_happened_a_person_can_close_it() {
        for reason in DeadLetterReason::ALL {
            assert!(advice(*reason).ways.contains(&Close), "{reason}");
        }
    }
}
