//! Random orders and repetitions of a booking's events, mixed with everything else that can happen, lead to the
//! same result.

use domain::message::MessageState;
use domain::plan::{Status, order};
use proptest::prelude::*;

use crate::model::{Outcome, World};
use crate::stories::{Delivery, dawn, deliveries, minutes};

/// Something that happens between two events.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The event with this number arrives, possibly again.
    Hear(usize),
    /// Time passes, or a clock is set back.
    Pass(i64),
    Claim,
    Hold,
    Learn(usize, Outcome),
    ReleaseHolds,
    Opt {
        out: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Accepted),
        2 => Just(Outcome::PassingRefusal),
        1 => Just(Outcome::RefusedForGood),
        1 => Just(Outcome::Unanswered),
        1 => Just(Outcome::Held),
    ];
    prop_oneof![
        6 => (0..8_usize).prop_map(Step::Hear),
        4 => (-30..200_i64).prop_map(Step::Pass),
        4 => Just(Step::Claim),
        1 => Just(Step::Hold),
        3 => (0..3_usize, outcome).prop_map(|(which, outcome)| Step::Learn(which, outcome)),
        1 => Just(Step::ReleaseHolds),
        1 => any::<bool>().prop_map(|out| Step::Opt { out }),
    ]
}

fn take(world: &mut World, step: Step, events: &[Delivery]) {
    match step {
        Step::Hear(number) => world.hears(&events[number % events.len()]),
        Step::Pass(passed) => world.tick(world.now + minutes(passed)),
        Step::Claim => {
            world.claim();
        }
        Step::Hold => world.holds(),
        Step::Learn(which, outcome) => {
            if let Some(id) = world.unsettled().get(which) {
                world.learns(*id, outcome);
            }
        }
        Step::ReleaseHolds => world.releases_holds(),
        Step::Opt { out } => world.opts(out),
    }
}

/// A world in which these events arrived in this order at one instant.
fn heard(events: &[Delivery], now_in_minutes: i64) -> World {
    let mut world = World::new();
    world.now = dawn() + minutes(now_in_minutes);
    events.iter().for_each(|event| world.hears(event));
    world
}

proptest! {
    #[test]
    fn neither_order_nor_repetition_changes_state_and_what_may_still_go(
        (events, shuffled) in deliveries().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        repeated in prop::collection::vec(0..8_usize, 0..6),
        pauses in prop::collection::vec(-30..120_i64, 8),
        end in 0..3_000_i64,
    ) {
        let reference = heard(&events, end);

        let mut world = World::new();
        for (event, pause) in shuffled.iter().zip(pauses) {
            world.tick(world.now + minutes(pause));
            world.hears(event);
        }
        for number in repeated {
            world.hears(&events[number % events.len()]);
        }
        world.now = reference.now;
        world.replan();

        prop_assert_eq!(&world.facts, &reference.facts);
        prop_assert_eq!(world.plan().status, reference.plan().status);
        prop_assert_eq!(world.wake_at, reference.wake_at);
        prop_assert_eq!(world.to_come(), reference.to_come());
        // A clock that was set back leaves queued rows with the same due time as rows that it did not create.
        let due = |world: &World| {
            let queue = world.queue().into_iter();
            queue.filter(|(_, window)| window.opens_at <= world.now).collect::<Vec<_>>()
        };
        prop_assert_eq!(due(&world), due(&reference));
        prop_assert!(world.queue().iter().all(|waiting| world.to_come().contains(waiting)));
    }

    #[test]
    fn whatever_happens_in_between_facts_and_status_are_those_of_the_events_alone(
        events in deliveries(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new();
        for step in steps {
            take(&mut world, step, &events);
        }
        events.iter().for_each(|event| world.hears(event));

        let mut reference = heard(&events, 0);
        reference.now = world.now;
        prop_assert_eq!(&world.facts, &reference.facts);
        prop_assert_eq!(world.plan().status, reference.plan().status);
    }

    #[test]
    fn every_message_reaches_an_end_with_a_reason(
        events in deliveries(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new();
        for step in steps {
            take(&mut world, step, &events);
        }

        world.runs_out();

        prop_assert_eq!(world.unexplained(), Vec::<&domain::plan::Existing>::new());
    }

    #[test]
    fn before_its_timer_only_expiring_messages_change(
        events in deliveries(),
        now in 0..3_000_i64,
        ahead in 1..3_000_i64,
    ) {
        let world = heard(&events, now);
        let mut later = world.clone();
        later.now = world.now + minutes(ahead);
        prop_assume!(world.wake_at.is_none_or(|at| later.now < at));

        later.replan();

        prop_assert_eq!(later.plan().status, world.plan().status);
        let kept = world.circumstances.messages.iter().zip(&later.circumstances.messages);
        for (before, after) in kept {
            prop_assert!(before == after || after.state == MessageState::Expired);
        }
        prop_assert_eq!(world.circumstances.messages.len(), later.circumstances.messages.len());
    }

    #[test]
    fn a_booking_has_a_reservation_exactly_when_its_status_says_so(events in deliveries(), now in 0..3_000_i64) {
        let world = heard(&events, now);

        let status = world.plan().status;
        let of_none = matches!(status, Status::Started | Status::Abandoned | Status::Cancelled);
        prop_assert_eq!(order::has_reservation(&world.facts), !of_none, "{}", status);
    }
}
