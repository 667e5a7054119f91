//! Processors that die at any point on the way of a guest: from the event to the message and to what WhatsApp reports of it.

use domain::message::MessageState::{Read, Withdrawn};
use domain::plan::Status;
use testkit::world::{Event, ResortFile, World};

use super::{check_books, check_guest, dying_at, guest, half_an_hour_goes_by};
use crate::scene::{CONFIRMATION, REMINDER_1, REVIEW_REQUEST, waiting_reminder};

pub(super) const TRIED: &[&[&str]] = &[APPLYING, WAKING, RELAYING, HEARING];

const APPLYING: &[&str] = &[
    "processor.events.written",
    "processor.events.committed",
    "processor.events.acknowledged",
];
const WAKING: &[&str] = &["processor.timers.written", "processor.timers.committed"];
const RELAYING: &[&str] = &["processor.relay.put_off", "processor.relay.confirmed"];
const HEARING: &[&str] = &["processor.reports.written", "processor.reports.committed"];

/// A step on the way of a guest over which processors die.
#[derive(Clone, Copy)]
enum Step {
    /// The platform says that a cart is left behind, and the guest is reminded.
    Reminder,
    /// A cart is left behind without an event: a timer fires.
    Silence,
    /// A reservation comes while the cart's reminder waits for its next try.
    Withdrawal,
    /// A reservation is cancelled.
    Cancellation,
    /// What was cancelled is booked again.
    NewRound,
    /// The guest leaves, and is asked for a review.
    Review,
    /// As before, some time later: a timer fires.
    ReviewInTime,
    /// The guest wants no more while a reminder waits.
    OptOut,
}

impl Step {
    /// The points that it passes; those of a timer are tried with a timer alone.
    fn points(self) -> Vec<&'static str> {
        match self {
            Self::Reminder | Self::Withdrawal | Self::NewRound | Self::Review => {
                [APPLYING, RELAYING, HEARING].concat()
            }
            Self::Silence | Self::ReviewInTime => WAKING.to_vec(),
            Self::Cancellation | Self::OptOut => APPLYING.to_vec(),
        }
    }

    /// What came before it: the number of events.
    async fn begin(self, world: &World, number: usize) -> usize {
        let (booking, phone) = guest(number);
        match self {
            Self::Reminder | Self::Silence => return 0,
            Self::Withdrawal | Self::OptOut => {
                waiting_reminder(world, &Event::abandoned(&booking, &phone), &booking, &phone).await;
                return 1;
            }
            Self::Cancellation | Self::NewRound | Self::Review | Self::ReviewInTime => {
                world.post(&Event::confirmed(&booking, &phone)).await;
                world.until_state(&booking, CONFIRMATION, Read).await;
            }
        }
        if !matches!(self, Self::NewRound) {
            return 1;
        }
        world.post(&Event::new("reservation_cancelled", &booking)).await;
        world.until_status(&booking, Status::Cancelled).await;
        2
    }

    /// Its event, and whether that names the booking.
    fn event(self, number: usize) -> (Event, bool) {
        let (booking, phone) = guest(number);
        match self {
            Self::Reminder => (Event::abandoned(&booking, &phone), true),
            Self::Silence => (Event::started(&booking, &phone), true),
            Self::Withdrawal | Self::NewRound => (Event::confirmed(&booking, &phone), true),
            Self::Cancellation => (Event::new("reservation_cancelled", &booking), true),
            Self::Review | Self::ReviewInTime => (Event::new("guest_checked_out", &booking).of(&phone), true),
            Self::OptOut => {
                let wish = Event::new("guest_opted_out", "-").without_booking();
                (wish.of(&phone), false)
            }
        }
    }

    /// Waits for what must come of it, and returns everything that the guest has got.
    async fn end(self, world: &World, number: usize) -> &'static [&'static str] {
        let (booking, _) = guest(number);
        match self {
            Self::Reminder | Self::Silence => {
                world.until_state(&booking, REMINDER_1, Read).await;
                &["reminder_1"]
            }
            Self::Withdrawal => {
                world.until_state(&booking, REMINDER_1, Withdrawn).await;
                world.until_state(&booking, CONFIRMATION, Read).await;
                &["confirmed"]
            }
            Self::Cancellation => {
                world.until_status(&booking, Status::Cancelled).await;
                &["confirmed"]
            }
            Self::NewRound => {
                world.until_status(&booking, Status::Confirmed).await;
                let second = async || {
                    let newest = world.message(&booking, CONFIRMATION).await?.existing;
                    (newest.round == 1 && newest.state == Read).then_some(())
                };
                world.until("the second confirmation is read", second).await;
                &["confirmed", "confirmed"]
            }
            Self::Review | Self::ReviewInTime => {
                world.until_state(&booking, REVIEW_REQUEST, Read).await;
                &["confirmed", "review"]
            }
            Self::OptOut => {
                world.until_state(&booking, REMINDER_1, Withdrawn).await;
                &[]
            }
        }
    }
}

/// Everything that WhatsApp said of the messages that it took is applied.
async fn all_is_heard(world: &World) {
    let taken = world.received_by_anyone().await.len();
    world.until_reports(i64::try_from(3 * taken).unwrap()).await;
}

/// Plays each step with a processor that dies at each of its points; nothing may differ in the end.
async fn check(resort: &ResortFile, steps: &[Step]) {
    let mut world = World::start(resort).await;
    let plays = steps
        .iter()
        .flat_map(|&step| step.points().into_iter().map(move |point| (step, point)));
    let mut expected = Vec::new();
    for (number, (step, point)) in plays.enumerate() {
        let before = step.begin(&world, number).await;
        all_is_heard(&world).await;
        world.replace("processor", &dying_at(point)).await;
        let (event, is_of_booking) = step.event(number);
        world.post(&event).await;
        world.until_dead("processor", point).await;
        world.replace("processor", &[]).await;
        half_an_hour_goes_by(&world).await;
        let messages = step.end(&world, number).await;
        expected.push((before + usize::from(is_of_booking), messages));
    }

    for (number, (events, messages)) in expected.into_iter().enumerate() {
        check_guest(&world, number, events, messages).await;
    }
    check_books(&world).await;
}

// shows: G3
#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_dies_while_a_guest_is_reminded_books_or_leaves_changes_nothing_about_it() {
    // The review is due at once, without a timer.
    let resort = ResortFile {
        review_after: Some("1ms".to_owned()),
        ..ResortFile::patient()
    };
    check(&resort, &[Step::Reminder, Step::Withdrawal, Step::Review]).await;
}

// shows: G3
#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_dies_over_a_cancellation_a_new_round_or_an_opt_out_changes_nothing_about_it() {
    let steps = [Step::Cancellation, Step::NewRound, Step::OptOut];
    check(&ResortFile::patient(), &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_dies_while_a_timer_fires_reminds_once_and_asks_for_a_review_once() {
    // Later than the event is applied, so that it takes a timer.
    let resort = ResortFile {
        abandoned_after: "1s".to_owned(),
        review_after: Some("1s".to_owned()),
        ..ResortFile::patient()
    };
    check(&resort, &[Step::Silence, Step::ReviewInTime]).await;
}
