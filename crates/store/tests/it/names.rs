//! A guest is known by several names, and what was said under one of them holds for all.

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use diesel::RunQueryDsl;
use domain::consent::ConsentChange;
use domain::event::EventType::BookingStarted;
use domain::guest::GuestName;
use domain::ids::NumberId;
use domain::message::{MessageKind, Reason};
use domain::phone_number::PhoneNumber;
use store::claims::Claim;
use store::guest_data::retention::{self, RetentionPolicy};
use store::guest_names::{self, Learnt};
use store::guests::consents::{self, NumberConsents};

use crate::scene::{Scene, accepted, event, key};

const ADA: &str = "+306912345678";
const NUMBER: &str = "106540352242922";

fn names() -> Vec<GuestName> {
    let spelt = PhoneNumber::from_whatsapp("30691234567").unwrap();
    GuestName::all(Some("GR.1"), [&spelt])
}

impl Scene {
    /// Learns every name of Ada's.
    async fn learns(&self) {
        self.run(|c, planner| {
            let ada = planner.ring.lookup(ADA);
            let learnt: BTreeSet<Learnt> = Learnt::of_guest(planner, &names(), ada).into_iter().collect();
            guest_names::learn(c, &learnt)
        })
        .await;
    }

    /// Somebody with this name says so to the resort's number, so many minutes ago.
    async fn says(&self, name: GuestName, wish: ConsentChange, minutes: i64) {
        self.run(move |c, planner| {
            let mut wishes = NumberConsents::new();
            let number = NumberId::parse(NUMBER).unwrap();
            let at = Utc::now() - TimeDelta::minutes(minutes);
            consents::add(&mut wishes, planner.name_hash(&name), &number, (wish, at));
            consents::record(c, &wishes)
        })
        .await;
    }

    async fn claims(&self, booking: &str) -> Vec<Claim> {
        let wanted = self.wanted(booking, MessageKind::Reminder1).await;
        self.claim(vec![wanted]).await
    }

    async fn known_names(&self) -> i64 {
        let counted = self.run(|c, _| {
            let query = diesel::sql_query("SELECT count(*) AS count FROM guest_names");
            Ok(query.get_result::<Count>(c).unwrap().count)
        });
        counted.await
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

// shows: B50
#[tokio::test]
async fn a_stop_under_any_name_keeps_a_claim_from_being_granted() {
    for name in names().into_iter().take(2) {
        let scene = Scene::new().await;
        let id = scene.due_reminder("BK-1").await;
        scene.says(name.clone(), ConsentChange::Stop, 1).await;

        // Whichever comes first, the name or the stop.
        scene.learns().await;

        assert_eq!(
            scene.claims("BK-1").await,
            [Claim::Ended(id, Reason::OptedOut)],
            "{name:?}"
        );
    }
}

#[tokio::test]
async fn the_newest_word_under_any_name_counts_for_claims_and_plans() {
    let scene = Scene::new().await;
    scene.learns().await;
    let [user, spelt, _] = names().try_into().unwrap();
    scene.says(user, ConsentChange::Stop, 5).await;
    scene.says(spelt, ConsentChange::Start, 3).await;

    scene.due_reminder("BK-1").await;

    assert!(matches!(scene.claims("BK-1").await[..], [Claim::Granted(..)]));
}

#[tokio::test]
async fn a_stop_to_one_number_says_nothing_to_another() {
    let scene = Scene::new().await;
    scene.learns().await;
    scene
        .run(|c, planner| {
            let mut wishes = NumberConsents::new();
            let other = NumberId::parse("1").unwrap();
            let said = (ConsentChange::Stop, Utc::now());
            consents::add(&mut wishes, planner.ring.lookup(ADA), &other, said);
            consents::record(c, &wishes)
        })
        .await;

    scene.due_reminder("BK-1").await;

    assert!(matches!(scene.claims("BK-1").await[..], [Claim::Granted(..)]));
}

#[tokio::test]
async fn two_spellings_of_one_number_share_what_was_said() {
    let scene = Scene::new().await;
    scene.learns().await;
    scene
        .run(|c, planner| {
            let other = planner.ring.lookup("+306900000001");
            let learnt: BTreeSet<Learnt> = Learnt::of_guest(planner, &names(), other).into_iter().collect();
            guest_names::learn(c, &learnt)
        })
        .await;
    let dialled = PhoneNumber::parse("+306900000001", None).unwrap();
    scene
        .says(GuestName::number(&dialled), ConsentChange::Stop, 1)
        .await;

    let id = scene.due_reminder("BK-1").await;

    // The plan knew it already.
    let found = scene.message("BK-1", MessageKind::Reminder1).await.existing;
    assert_eq!((found.id, found.reason), (id, Some(Reason::OptedOut)));
}

#[tokio::test]
async fn an_answer_teaches_the_names_of_the_number_that_was_called() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    // A person corrects the number while the call is under way.
    let mut corrected = event(BookingStarted, &key("BK-1"), 0);
    corrected.guest.phone = Some(domain::stay::Personal::new("+306987654321"));
    scene
        .run(move |c, planner| crate::scene::apply(c, planner, &corrected).map(drop))
        .await;

    scene.answered_by(call, accepted(), names()).await;

    let phones = scene
        .run(|c, planner| {
            let names: BTreeSet<_> = names().iter().map(|name| planner.name_hash(name)).collect();
            guest_names::phones_of(c, &names)
        })
        .await;
    let ada = scene.planner.ring.lookup(ADA);
    assert_eq!(phones.len(), 2, "the user id and the spelling");
    assert!(phones.values().all(|phones| *phones == BTreeSet::from([ada])));
}

#[tokio::test]
async fn a_spelling_that_is_the_number_itself_is_not_stored() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    let same = PhoneNumber::parse(ADA, None).unwrap();

    scene
        .answered_by(call, accepted(), GuestName::all(None, [&same]))
        .await;

    assert_eq!(scene.known_names().await, 0);
}

#[tokio::test]
async fn names_of_a_number_that_no_booking_has_go_when_their_time_is_over() {
    let scene = Scene::new().await;
    scene.learns().await;
    let forget = |days: i64| {
        let terms = [RetentionPolicy {
            resort: key("BK-1").resort,
            raw_events: TimeDelta::days(days),
            conversations: TimeDelta::days(days),
            guests: TimeDelta::days(days),
        }];
        scene.run(move |c, _| retention::forget_orphaned_names(c, &terms, 10))
    };
    scene
        .sql("UPDATE guest_names SET learnt_at = now() - interval '2 days'")
        .await;
    assert_eq!(forget(3).await, 0);
    scene.due_reminder("BK-1").await;
    assert_eq!(forget(1).await, 0);

    scene.sql("UPDATE bookings SET phone_hash = NULL").await;

    assert_eq!(forget(1).await, 2);
}
