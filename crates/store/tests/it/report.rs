//! A month of the owner's report, and months that are final.

use chrono_tz::Tz;
use domain::event::EventType::{BookingStarted, ReservationCancelled, ReservationConfirmed};
use domain::ids::{BookingId, ResortId};
use domain::message::MessageKind::Reminder1;
use domain::report::{Figures, Month};
use domain::stay::{Money, Personal};
use store::claims::Wanted;
use store::report::{self, ResortMonth, present};

use crate::scene::{Scene, accepted, apply, event, key};

const ZONE: Tz = Tz::Europe__Athens;

fn azure_bay() -> ResortId {
    ResortId::parse("azure-bay").unwrap()
}

/// A guest whose cart is abandoned, and what the claim of the first reminder is.
async fn cart(scene: &Scene, booking: &str, guest: u32, is_held_out: bool) {
    scene
        .due_reminder_of(booking, &format!("+3069123456{guest:02}"))
        .await;
    let wanted = Wanted {
        is_held_out,
        ..scene.wanted(booking, Reminder1).await
    };
    let claimed = scene.claim(vec![wanted]).await;
    if !is_held_out {
        let store::claims::Claim::Granted(id, attempt) = claimed[0] else {
            panic!("{claimed:?}");
        };
        scene.answered((id, attempt), accepted()).await;
    }
}

/// The guest books, with this total.
async fn books(scene: &Scene, booking: &str, guest: u32, cart: Option<&str>, total: &str) {
    let mut event = event(ReservationConfirmed, &key(booking), 5);
    event.guest.phone = Some(Personal::new(format!("+3069123456{guest:02}")));
    event.details.total = Money::parse(total, "EUR");
    event.details.cart = cart.map(|cart| BookingId::parse(cart).unwrap());
    scene
        .run(move |connection, planner| apply(connection, planner, &event))
        .await;
}

/// The month in which the scene's carts were abandoned.
async fn month(scene: &Scene, booking: &str) -> ResortMonth {
    let at = scene.message(booking, Reminder1).await.existing.basis_at;
    ResortMonth {
        resort: azure_bay(),
        zone: ZONE,
        month: Month::at(at, ZONE),
    }
}

async fn compute(scene: &Scene, of: ResortMonth) -> Figures {
    scene
        .run(move |connection, planner| report::compute(connection, &planner.ring, &of))
        .await
}

// shows: B215
#[tokio::test]
async fn a_month_has_both_groups_with_what_they_booked_to_the_cent() {
    let scene = Scene::new().await;
    cart(&scene, "BK-1", 10, false).await;
    cart(&scene, "BK-2", 11, false).await;
    cart(&scene, "BK-3", 12, true).await;
    cart(&scene, "BK-4", 13, true).await;
    scene.happens(BookingStarted, "BK-5", 1).await;
    books(&scene, "BK-1", 10, None, "100.10").await;
    // A reservation of its own, for other days.
    books(&scene, "RS-1", 10, None, "0.25").await;
    books(&scene, "RS-3", 12, None, "1240.00").await;

    let figures = compute(&scene, month(&scene, "BK-1").await).await;

    assert_eq!(figures.carts, 4);
    let told = |group: &domain::report::Group| (group.guests, group.booked, group.sums.to_string());
    assert_eq!(told(&figures.reminded), (2, 1, "100.35 EUR".to_owned()));
    assert_eq!(told(&figures.held_out), (2, 1, "1240.00 EUR".to_owned()));
    assert_eq!(figures.not_sent, [("held_out".to_owned(), 2)].into());
    assert_eq!(figures.messages, [("unknown".to_owned(), 2)].into());
    assert_eq!((figures.delivered, figures.answered, figures.stopped), (0, 0, 0));
}

// shows: B215
#[tokio::test]
async fn a_reservation_counts_for_7_days_and_while_it_stands() {
    let scene = Scene::new().await;
    for (guest, booking) in ["BK-1", "BK-2", "BK-3"].into_iter().enumerate() {
        let guest = u32::try_from(guest).unwrap();
        cart(&scene, booking, guest, false).await;
        books(&scene, booking, guest, None, "10").await;
    }
    scene
        .sql(
            "UPDATE bookings b SET confirmed_at = m.basis_at + interval '7 days' - interval '1 second' * (b.id = 'BK-1')::int \
             FROM messages m WHERE m.booking_key = b.key AND m.kind = 'reminder_1' AND b.id <> 'BK-3'",
        )
        .await;
    scene.happens(ReservationCancelled, "BK-3", 1).await;

    let figures = compute(&scene, month(&scene, "BK-1").await).await;

    assert_eq!((figures.reminded.guests, figures.reminded.booked), (3, 1));
    assert_eq!(figures.reminded.sums.to_string(), "10.00 EUR");
}

#[tokio::test]
async fn what_followed_a_reminder_is_counted() {
    let scene = Scene::new().await;
    cart(&scene, "BK-1", 10, false).await;
    cart(&scene, "BK-2", 11, false).await;
    scene
        .sql(
            "UPDATE messages SET state = 'read', pricing_category = 'marketing' WHERE booking_key = 'azure-bay/BK-1'; \
             INSERT INTO guests (resort, phone_hash, replied_at, opted_out_at) \
             SELECT resort, phone_hash, now() + interval '1 minute', now() - interval '1 day' FROM bookings WHERE id = 'BK-1'; \
             INSERT INTO guests (resort, phone_hash, replied_at, opted_out_at) \
             SELECT resort, phone_hash, now() - interval '1 day', now() + interval '1 minute' FROM bookings WHERE id = 'BK-2'",
        )
        .await;

    let figures = compute(&scene, month(&scene, "BK-1").await).await;

    assert_eq!((figures.delivered, figures.read), (1, 1));
    assert_eq!((figures.answered, figures.stopped), (1, 1));
    assert_eq!(figures.messages["marketing"], 1);
}

#[tokio::test]
async fn a_cart_of_another_month_or_resort_does_not_count() {
    let scene = Scene::new().await;
    cart(&scene, "BK-1", 10, false).await;
    let this = month(&scene, "BK-1").await;
    let other_month = ResortMonth {
        month: this.month.previous(),
        ..this.clone()
    };
    let other_resort = ResortMonth {
        resort: ResortId::parse("olive-hill").unwrap(),
        ..this
    };

    assert_eq!(compute(&scene, other_month).await, Figures::default());
    assert_eq!(compute(&scene, other_resort).await, Figures::default());
}

// shows: B260
#[tokio::test]
async fn a_month_becomes_final_once_14_days_after_its_end_and_outlives_an_erasure() {
    let scene = Scene::new().await;
    cart(&scene, "BK-1", 10, false).await;
    books(&scene, "BK-1", 10, None, "100").await;
    let of = month(&scene, "BK-1").await;
    let final_at = of.month.freezes_at(ZONE);
    let next = |now| scene.run(move |c, _| report::next_to_freeze(c, &azure_bay(), ZONE, now));
    assert_eq!(next(final_at - chrono::TimeDelta::seconds(1)).await, None);
    assert_eq!(next(final_at).await, Some(of.month));
    let freeze = async |of: ResortMonth| {
        scene
            .run(move |connection, planner| report::freeze(connection, &planner.ring, &of))
            .await
    };

    let kept_since = async |since| {
        let month = of.month;
        scene
            .run(move |c, _| present::list(c, &[azure_bay()], month, since))
            .await
    };
    let counted = of.clone();
    let figures = scene
        .run(move |c, planner| present::count(c, &planner.ring, &counted))
        .await;
    let now = scene.run(|c, _| store::pool::clock(c)).await;
    assert_eq!(
        kept_since(now - chrono::TimeDelta::hours(1)).await[0].figures,
        figures
    );
    assert_eq!(kept_since(now).await, [], "an older count");

    assert!(freeze(of.clone()).await);
    assert_eq!(kept_since(chrono::DateTime::UNIX_EPOCH).await, [], "it is final");
    scene
        .sql("DELETE FROM messages; UPDATE bookings SET phone_hash = NULL, stands = false")
        .await;

    assert!(!freeze(of.clone()).await, "it is final");
    let months = (of.month.previous(), of.month);
    let frozen = scene
        .run(move |c, _| report::list_frozen(c, &[azure_bay()], months))
        .await;
    assert_eq!(frozen.len(), 1);
    assert_eq!((&frozen[0].resort, frozen[0].month), (&azure_bay(), of.month));
    assert_eq!(frozen[0].figures.reminded.sums.to_string(), "100.00 EUR");
    assert_eq!(next(final_at).await, None);
    let next_final = of.month.next().freezes_at(ZONE);
    assert_eq!(next(next_final).await, Some(of.month.next()));
}
