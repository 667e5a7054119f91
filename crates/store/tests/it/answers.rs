//! Answers of staff as rows, and who waits for one.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::dead_letter::DecisionRefused;
use domain::event::EventType::{BookingStarted, ReservationCancelled, ReservationConfirmed};
use domain::ids::{MessageId, NumberId, ResortId, StaffName};
use domain::message::MessageKind::StaffAnswer as ANSWER;
use domain::message::{MessageState, Reason};
use domain::staff_answer::{AnswerRefused, StaffAnswer};
use domain::stay::Personal;
use store::answers::{self, Posted};
use store::guest_data::retention::{self, RetentionPolicy};
use store::guest_data::{self, DataSubject};
use store::guests::waiting::{self, Act, Standing};
use store::guests::{self, GuestKey, Waiting};
use store::reseal::{self, SealedColumn};
use store::{claims, conversations, letters};
use uuid::Uuid;

use crate::scene::{Scene, anna, key, minutes_ago};

const WORDS: &str = "Yes, the pool is heated";

fn text() -> StaffAnswer {
    StaffAnswer::Text(Personal::new(WORDS))
}

fn id() -> MessageId {
    MessageId(Uuid::now_v7())
}

impl Scene {
    async fn ada(&self) -> GuestKey {
        let booking = self.booking("BK-1").await;
        self.planner.guest_of_booking(&booking).unwrap()
    }

    /// Ada writes to the resort's number; says whether nothing of hers waited until then.
    async fn ada_writes(&self, at: DateTime<Utc>) -> bool {
        let ada = self.ada().await;
        self.run(move |connection, _| {
            let number = NumberId::parse("106540352242922").unwrap();
            conversations::open(connection, &number, &BTreeSet::from([ada.phone_hash]), at)?;
            guests::record_reply(connection, &ada, at)
        })
        .await
    }

    async fn post(&self, id: MessageId, answer: StaffAnswer) -> Result<Posted, AnswerRefused> {
        self.run(move |connection, planner| {
            answers::post(connection, planner, (&key("BK-1"), id), &answer, &anna())
        })
        .await
    }

    async fn waiting(&self) -> Vec<Waiting> {
        self.run(|connection, _| guests::list_waiting(connection, 10))
            .await
    }

    async fn standing(&self) -> Standing {
        let ada = self.ada().await;
        let found = self
            .run(move |connection, _| waiting::standing(connection, &ada))
            .await;
        found.unwrap()
    }

    async fn act(&self, act: Act) -> bool {
        let ada = self.ada().await;
        self.run(move |connection, _| waiting::act(connection, &ada, &act))
            .await
    }

    async fn counted(&self) -> (i64, f64) {
        self.run(|connection, _| guests::count_waiting(connection)).await
    }

    async fn kept(&self) -> usize {
        let kept = self
            .run(|connection, _| answers::of_booking(connection, &key("BK-1")))
            .await;
        kept.len()
    }
}

/// Ada left a cart, and wrote five minutes ago.
async fn ada_wrote() -> Scene {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 10).await;
    assert!(scene.ada_writes(minutes_ago(5)).await);
    scene
}

// shows: B180
#[tokio::test]
async fn an_answer_is_a_message_with_a_sealed_text_and_the_same_id_is_taken_once() {
    let scene = ada_wrote().await;
    let (first, second) = (id(), id());

    let posted = scene.post(first, text()).await.unwrap();
    let again = scene.post(first, text()).await.unwrap();
    scene.post(second, text()).await.unwrap();

    assert!(posted.until.unwrap() > Utc::now() + TimeDelta::hours(23));
    assert_eq!((again.message, again.until), (first, None));
    let messages = scene.messages("BK-1").await;
    let answers: Vec<_> = messages
        .iter()
        .filter(|one| one.existing.kind == ANSWER)
        .collect();
    let numbered: Vec<_> = answers
        .iter()
        .map(|one| (one.existing.id, one.existing.round))
        .collect();
    assert_eq!(numbered, [(first, 0), (second, 1)]);
    let drafts = scene
        .run(move |connection, planner| claims::read_drafts(connection, &planner.ring, &[first]))
        .await;
    assert_eq!(drafts.readable[0].answer, Some(text()));
    scene.happens(ReservationConfirmed, "BK-2", 1).await;
    let other = scene.messages("BK-2").await.remove(0).existing.id;
    assert_eq!(scene.post(other, text()).await, Err(AnswerRefused::IdTaken));
}

#[tokio::test]
async fn what_happens_to_the_booking_leaves_an_answer_alone() {
    let scene = ada_wrote().await;
    scene.post(id(), text()).await.unwrap();

    scene.happens(ReservationConfirmed, "BK-1", 3).await;
    scene.happens(ReservationCancelled, "BK-1", 2).await;

    let answer = scene.message("BK-1", ANSWER).await.existing;
    assert_eq!((answer.state, answer.withdrawn), (MessageState::Queued, false));
}

#[tokio::test]
async fn an_answer_is_refused_where_it_could_not_be_sent() {
    let scene = Scene::new().await;
    assert_eq!(scene.post(id(), text()).await, Err(AnswerRefused::BookingUnknown));
    scene.happens(BookingStarted, "BK-1", 10).await;
    assert_eq!(scene.post(id(), text()).await, Err(AnswerRefused::WindowShut));
    scene.ada_writes(minutes_ago(25 * 60)).await;
    assert_eq!(scene.post(id(), text()).await, Err(AnswerRefused::WindowShut));
    assert_eq!(scene.kept().await, 0);
}

// shows: B183
#[tokio::test]
async fn a_guest_waits_until_answered_and_again_when_they_write_again() {
    let scene = ada_wrote().await;
    let (waiting, oldest) = scene.counted().await;
    assert!(
        waiting == 1 && (299.0..400.0).contains(&oldest),
        "{waiting} {oldest}"
    );
    assert!(!scene.ada_writes(minutes_ago(4)).await, "she waited already");
    let since = scene.waiting().await[0].since;
    assert!(since < minutes_ago(4), "counted from the first message: {since}");

    scene.post(id(), text()).await.unwrap();

    assert!(scene.waiting().await.is_empty());
    assert_eq!(scene.counted().await, (0, 0.0));
    // It was written before the answer, and arrives after it: nobody has seen it.
    assert!(scene.ada_writes(minutes_ago(3)).await);
    let waiting = scene.waiting().await;
    assert!(
        waiting[0].since > minutes_ago(4),
        "the first message was answered: {waiting:?}"
    );
}

// shows: B183
#[tokio::test]
async fn an_answer_that_never_went_is_none() {
    let scene = ada_wrote().await;
    let answer = id();
    scene.post(answer, text()).await.unwrap();
    assert!(scene.waiting().await.is_empty());

    scene
        .sql("UPDATE messages SET state = 'expired', reason = 'expired' WHERE kind = 'staff-answer'")
        .await;

    assert_eq!(scene.waiting().await.len(), 1);
    scene.post(id(), text()).await.unwrap();
    assert!(scene.waiting().await.is_empty());
}

// shows: B183
#[tokio::test]
async fn a_conversation_is_assigned_snoozed_and_closed_and_a_new_message_opens_it_again() {
    let scene = ada_wrote().await;
    let zoe = StaffName::parse("zoe").unwrap();

    assert!(scene.act(Act::Assign(Some(zoe))).await);
    let until = Utc::now() + TimeDelta::hours(2);
    assert!(scene.act(Act::Snooze(until)).await);

    let snoozed = scene.standing().await;
    assert_eq!(snoozed.assignee.as_deref(), Some("zoe"));
    assert!(snoozed.snoozed_until.is_some() && snoozed.waits_since.is_some());
    assert_eq!(scene.counted().await.0, 0);
    assert_eq!(scene.waiting().await.len(), 1, "it is listed all the same");
    scene
        .sql("UPDATE guests SET snoozed_until = clock_timestamp()")
        .await;
    assert_eq!(scene.counted().await.0, 1, "its time is over");
    scene.act(Act::Snooze(until)).await;
    assert!(scene.ada_writes(minutes_ago(2)).await, "staff are told again");
    assert_eq!(scene.counted().await.0, 1);
    assert!(scene.act(Act::Close).await);
    assert!(scene.waiting().await.is_empty());
    assert!(scene.ada_writes(minutes_ago(1)).await);
    assert_eq!(scene.standing().await.assignee.as_deref(), Some("zoe"));
    scene.act(Act::Assign(None)).await;
    assert_eq!(scene.standing().await.assignee, None);
}

#[tokio::test]
async fn nothing_is_done_to_the_conversation_of_a_guest_who_wrote_nothing() {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 10).await;

    assert!(!scene.act(Act::Close).await);
    let ada = scene.ada().await;
    let standing = scene
        .run(move |connection, _| waiting::standing(connection, &ada))
        .await;
    assert!(standing.is_none());
}

// shows: B182
#[tokio::test]
async fn an_erasure_takes_answers_with_it_and_what_has_not_gone_never_goes() {
    let scene = ada_wrote().await;
    scene.post(id(), text()).await.unwrap();

    scene
        .run(|connection, planner| {
            guest_data::erase(connection, planner, &DataSubject::Booking(key("BK-1")), None)
        })
        .await;

    assert_eq!(scene.kept().await, 0);
    let answer = scene.message("BK-1", ANSWER).await.existing;
    assert_eq!(
        (answer.state, answer.reason),
        (MessageState::Withdrawn, Some(Reason::Erased))
    );
    assert!(scene.waiting().await.is_empty());
    assert_eq!(scene.post(id(), text()).await, Err(AnswerRefused::Erased));
}

// shows: B182
#[tokio::test]
async fn answers_are_kept_as_long_as_the_resort_keeps_conversations() {
    let scene = ada_wrote().await;
    let (old, new) = (id(), id());
    for one in [old, new] {
        scene.post(one, text()).await.unwrap();
    }
    scene
        .sql(&format!(
            "UPDATE answers SET written_at = written_at - interval '6 days' WHERE message_id = '{old}'"
        ))
        .await;
    let days = |days| {
        vec![RetentionPolicy {
            resort: ResortId::parse("azure-bay").unwrap(),
            raw_events: TimeDelta::days(1),
            conversations: TimeDelta::days(days),
            guests: TimeDelta::days(1),
        }]
    };
    let forget = async |terms: Vec<RetentionPolicy>| {
        scene
            .run(move |connection, _| retention::forget_answers(connection, &terms, 10))
            .await
    };

    assert_eq!(forget(days(7)).await, 0);
    assert_eq!(forget(Vec::new()).await, 0, "the resort's file cannot be read");
    assert_eq!(forget(days(5)).await, 1);
    assert_eq!(forget(days(5)).await, 0);

    let kept = scene
        .run(|connection, _| answers::of_booking(connection, &key("BK-1")))
        .await;
    assert_eq!(kept[0].message(), new);
}

#[tokio::test]
async fn answers_are_encrypted_anew_with_the_first_key() {
    let scene = ada_wrote().await;
    let answer = id();
    scene.post(answer, text()).await.unwrap();
    let one = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let other = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
    let both = crypto::key_ring::KeyRing::parse(&format!("b:{other},a:{one},lookup:{other}")).unwrap();

    let page = scene
        .run(move |connection, _| reseal::reseal(connection, &both, SealedColumn::Answers, "", 10))
        .await;

    assert_eq!((page.resealed, page.damaged, page.next), (1, 0, None));
    let counts = reseal::count_by_key(&scene.store, SealedColumn::Answers)
        .await
        .unwrap();
    assert_eq!(counts, [("b".to_owned(), 1)].into());
    let opened = scene
        .run(|connection, _| answers::of_booking(connection, &key("BK-1")))
        .await
        .remove(0)
        .open(&crypto::key_ring::KeyRing::parse(&format!("b:{other},lookup:{other}")).unwrap());
    assert_eq!(opened.unwrap(), text());
}

// shows: B180
#[tokio::test]
async fn a_dead_answer_is_tried_again_while_the_window_is_open() {
    let scene = ada_wrote().await;
    let answer = id();
    scene.post(answer, text()).await.unwrap();
    scene
        .sql(&format!(
            "UPDATE messages SET state = 'dead', reason = 'refused', died_at = now(), attempts = 1 WHERE id = '{answer}'; \
             INSERT INTO letters (kind, amqp_id, reason, error, attempts, died_at, dated, subject, resort, booking, \
                message_id, state) \
             VALUES ('messages', '{answer}', 'refused', '', 1, now(), true, 'staff-answer', 'azure-bay', 'BK-1', '{answer}', 'open')"
        ))
        .await;
    let letter = scene
        .run(|connection, _| letters::list_of_booking(connection, &key("BK-1")))
        .await
        .remove(0)
        .id;
    let retry = async || {
        scene
            .run(move |connection, planner| letters::retry(connection, planner, letter, &anna()))
            .await
            .map(drop)
    };

    scene
        .sql("UPDATE conversations SET open_until = clock_timestamp()")
        .await;
    let shut = retry().await;
    scene.ada_writes(minutes_ago(1)).await;
    retry().await.unwrap();

    let closed = letters::Declined::Refused(DecisionRefused::NotWanted(Reason::WindowClosed));
    assert_eq!(format!("{:?}", shut.unwrap_err()), format!("{closed:?}"));
    let queued = scene.message("BK-1", ANSWER).await.existing;
    assert_eq!(queued.state, MessageState::Queued);
    assert!(queued.expires_at > Utc::now() + TimeDelta::hours(23));
}
