//! Plain words for what the tables call by one word: the only place that has them.

use domain::dead_letter::{DeadLetterReason, advice};
use domain::event::EventType;
use domain::message::{MessageKind, Reason};

/// With a capital first letter.
pub(crate) fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), letters.as_str())
    })
}

/// Why a message is not sent, as a sentence.
pub(crate) fn reason(word: &str) -> Option<&'static str> {
    let reason: Reason = word.parse().ok()?;
    Some(match reason {
        Reason::Confirmed => "The guest has booked.",
        Reason::BecameReservation => "The cart became a reservation with another id.",
        Reason::BookedElsewhere => {
            "The guest has another reservation here, for these days or for unknown ones."
        }
        Reason::Cancelled => "The reservation was cancelled.",
        Reason::ActiveAgain => "The guest came back to the cart.",
        Reason::NotArrived => "The guest never checked in.",
        Reason::NotConfigured => "The resort's file does not ask for it.",
        Reason::NewMoment => "The message was added to the resort's file after its time had passed.",
        Reason::ConditionNotMet => "The message's condition (only_if) does not hold for this booking.",
        Reason::AlreadyLeft => "The guest left before its time.",
        Reason::NotifyOff => "The platform said that no message should go for it.",
        Reason::NoPhone => "The booking has no phone number.",
        Reason::InvalidPhone => "The booking's phone number is not valid.",
        Reason::NoConsent => "The guest did not agree to it.",
        Reason::OptedOut => "The guest wants no more reminders.",
        Reason::Replied => "The guest wrote, and waits for a person.",
        Reason::UsMarketing => "WhatsApp delivers no marketing to numbers of the United States.",
        Reason::MissingValue => "A value that the template needs is missing.",
        Reason::TestMode => "The resort is in test mode, and the number is not one of its test numbers.",
        Reason::Expired => "Its time passed: quiet hours, a hold or an outage lasted too long.",
        Reason::FirstReminderNeverWent => "The first reminder never went, so there is nothing to follow.",
        Reason::Erased => "The guest's data was erased.",
        Reason::HeldOut => {
            "The guest is in the hold-out, who get no reminders so that what these earn can be measured."
        }
        Reason::Capped => "The guest had the day's reminders already, or has only just booked.",
        Reason::MarketingLimit => "WhatsApp says that the guest gets enough marketing.",
        Reason::WindowClosed => "It is free text, and the guest has not written within 24 hours.",
        Reason::WithdrawnByStaff => "A member of the staff withdrew it.",
        Reason::OptedIn => "The guest opted in again before the stop was confirmed.",
    })
}

/// What a dead letter's reason means, as a sentence.
pub(crate) fn happened(reason: &str) -> &str {
    let known = reason.parse::<DeadLetterReason>();
    known.map_or(reason, |known| advice(known).happened)
}

/// Why a decision about a dead letter is not carried out, or was not wanted, as a sentence; by the word in counts.
pub(crate) fn outcome(word: &str) -> Option<&'static str> {
    Some(match word {
        "too_late" => "Another person, or WhatsApp's report, was faster.",
        "not_found" => "There is no such letter any more.",
        "not_a_message" => "It is about an event, and only a message can be treated like that.",
        "message_gone" => "Its message was erased, or cannot be read.",
        "sent_after_all" => "WhatsApp took the message after all.",
        "not_dead" => "Its message is no longer dead.",
        "not_yet" => "The message is wanted, but only later; it goes by itself then.",
        "resort_without_file" => "The resort has no readable file.",
        "booking_damaged" => "What is stored of the booking is damaged.",
        "no_member" => "That is no present member of the staff.",
        "out_of_reach" => "That member does not work for its resort.",
        "unmappable" => "The mapping of its source still cannot read it.",
        "source_broken" => "The file of its source is broken.",
        "source_gone" => "Its source has no file any more.",
        "source_without_mapping" => "The file of its source has no mapping any more.",
        "unreadable" => "It cannot be read, or its key is missing.",
        "failed" => "The desk could not decide of it; its log says why.",
        "assigned_already" => "It was theirs already.",
        other => return reason(other),
    })
}

/// A kind of message, as people call it.
pub(crate) fn kind(kind: MessageKind) -> String {
    match kind {
        MessageKind::Reminder1 => "first reminder".to_owned(),
        MessageKind::Reminder2 => "second reminder".to_owned(),
        MessageKind::ReservationConfirmation => "confirmation".to_owned(),
        MessageKind::ReviewRequest => "review request".to_owned(),
        MessageKind::StopConfirmation => "confirmation of the stop".to_owned(),
        MessageKind::StaffAnswer => "answer of the staff".to_owned(),
        MessageKind::Moment(name) => name.to_string().replace('_', " "),
    }
}

/// What an event says, as a sentence without its full stop.
pub(crate) fn event(word: &str) -> String {
    let Ok(event) = word.parse::<EventType>() else {
        return word.replace('_', " ");
    };
    match event {
        EventType::BookingStarted => "The guest was at work on the booking",
        EventType::BookingAbandoned => "The guest left the booking unfinished",
        EventType::ReservationConfirmed => "The reservation was confirmed",
        EventType::ReservationModified => "The reservation was changed",
        EventType::ReservationCancelled => "The reservation was cancelled",
        EventType::GuestCheckedIn => "The guest checked in",
        EventType::GuestCheckedOut => "The guest checked out",
        EventType::GuestOptedIn => "The guest agreed to messages",
        EventType::GuestOptedOut => "The guest wants no more reminders",
    }
    .to_owned()
}
