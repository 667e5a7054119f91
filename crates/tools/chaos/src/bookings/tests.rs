//! What is drawn, for whatever seed.

use std::collections::BTreeSet;

use super::*;

const OVER: Duration = Duration::from_secs(60);

#[test]
fn the_same_seed_makes_the_same_bookings_and_another_others() {
    assert_eq!(draw(7, 1_000, OVER), draw(7, 1_000, OVER));
    assert_ne!(draw(7, 1_000, OVER), draw(8, 1_000, OVER));
}

#[test]
fn ids_are_unique_within_a_source_and_most_are_used_by_both() {
    let season = draw(7, 1_000, OVER);
    let ids = |source: usize| -> Vec<&str> {
        let of_source = season.webhooks.iter().filter(|webhook| webhook.source == source);
        of_source.map(|webhook| webhook.id.as_str()).collect()
    };
    let unique = |source: usize| ids(source).into_iter().collect::<BTreeSet<_>>();

    for source in 0..SOURCES.len() {
        assert_eq!(unique(source).len(), ids(source).len());
    }
    assert!(unique(0).intersection(&unique(1)).count() > 400);
}

#[test]
fn a_season_that_ends_has_all_events_of_the_guests_who_had_begun() {
    let (all, mut ended) = (draw(7, 1_000, OVER), draw(7, 1_000, OVER));

    ended.end_at(OVER / 2);

    let of_guests = |season: &Season| -> BTreeSet<String> {
        let begun = season.guests.iter().filter(|guest| guest.begins_at <= OVER / 2);
        begun.map(|guest| guest.phone.clone()).collect()
    };
    assert_eq!(of_guests(&ended), of_guests(&all));
    assert_eq!(ended.guests.len(), of_guests(&ended).len());
    assert!(ended.guests.len() < all.guests.len());
    let theirs = all
        .webhooks
        .iter()
        .filter(|webhook| of_guests(&ended).contains(&webhook.phone));
    assert_eq!(ended.webhooks.len(), theirs.count());
}

#[test]
fn there_is_a_guest_of_each_kind_and_every_guest_expects_something() {
    let season = draw(7, 1_000, OVER);
    let ends = season.guests.iter().flat_map(|guest| &guest.bookings);
    let ends: BTreeSet<&str> = ends.flat_map(|(_, states)| states.iter().copied()).collect();

    assert_eq!(ends.len(), 6);
    for guest in &season.guests {
        assert!(!guest.gets.is_empty() || !guest.may_get.is_empty());
    }
}

#[test]
fn some_guests_book_elsewhere_and_some_book_again() {
    let season = draw(7, 1_000, OVER);
    let confirms = |booking: &str| {
        let of_booking = season
            .webhooks
            .iter()
            .filter(|webhook| webhook.booking == booking);
        of_booking
            .filter(|webhook| webhook.kind == "reservation_confirmed")
            .count()
    };
    let elsewhere = season.guests.iter().filter(|guest| guest.bookings.len() == 2);
    let linked = season.webhooks.iter().filter(|webhook| webhook.cart.is_some());
    let last = |guest: &Expected| guest.bookings.last().map(|(booking, _)| booking.clone());

    assert!(
        elsewhere.count() > linked.count() + 10,
        "carts that no reservation names"
    );
    let again = season
        .guests
        .iter()
        .filter_map(last)
        .filter(|booking| confirms(booking) == 2);
    assert!(again.count() > 10);
}
