//! What staff answer guests, as the guest gets it; and what they have sent now.

use domain::facts::Instruction;
use domain::ids::{MessageId, StaffName};
use domain::message::MessageKind::StaffAnswer as ANSWER;
use domain::message::MessageState::{Expired, Queued, Sent, Skipped, Withdrawn};
use domain::message::{MessageKind, Reason};
use domain::phone_number::PhoneNumber;
use domain::staff::Access;
use domain::staff_answer::StaffAnswer;
use domain::stay::Personal;
use serde_json::json;
use store::audit::Actor;
use store::guest_data::{self, DataSubject};
use store::guests::{self, GuestKey};
use store::{answers, planning};
use testkit::world::ResortFile;
use uuid::Uuid;

use crate::scene::{ADA, REMINDER_1, Scene, abandoned, confirmed, key};
use crate::times::quiet_now;

const WORDS: &str = "Yes, until *ten* in the evening.\nSee you!";

fn zoe() -> Actor {
    Actor {
        name: StaffName::parse("zoe").unwrap(),
        access: Access::ADMIN,
        reason: None,
    }
}

fn text() -> StaffAnswer {
    StaffAnswer::Text(Personal::new(WORDS))
}

impl Scene {
    async fn answer(&self, id: Uuid, answer: StaffAnswer) {
        let posted = self
            .run(move |connection, planner| {
                answers::post(
                    connection,
                    planner,
                    (&key("BK-1"), MessageId(id)),
                    &answer,
                    &zoe(),
                )
            })
            .await;
        posted.unwrap();
    }

    async fn instruct(&self, kind: MessageKind, instruction: Instruction) {
        let instructed = self
            .run(move |connection, planner| {
                planning::instruct(connection, planner, (&key("BK-1"), kind), instruction, &zoe())
            })
            .await;
        instructed.unwrap();
    }

    /// Ada writes something that staff should answer.
    async fn ada_asks(&self) {
        self.open_window(ADA).await;
        self.run(|connection, planner| {
            let ada = GuestKey {
                phone_hash: planner.phone_hash(&PhoneNumber::parse(ADA, None).unwrap()),
                resort: key("BK-1").resort,
            };
            guests::record_reply(connection, &ada, chrono::Utc::now())
        })
        .await;
    }

    async fn waiting(&self) -> usize {
        let waiting = self.run(|connection, _| guests::list_waiting(connection, 10));
        waiting.await.len()
    }
}

/// Ada confirmed a reservation, has its confirmation, and asks something.
async fn asked(file: &ResortFile) -> Scene {
    let scene = Scene::of(file).await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.ada_asks().await;
    scene
}

// shows: B180
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_reaches_the_guest_once_in_quiet_hours_and_after_a_stop_however_often_it_was_posted() {
    let scene = asked(&quiet_now().0).await;
    scene.says(ADA, domain::consent::ConsentChange::Stop).await;
    let id = Uuid::now_v7();

    for _ in 0..3 {
        scene.answer(id, text()).await;
    }
    scene.send().await;
    scene.send_by(&scene.another_sender()).await;

    let received = scene.received_by(ADA).await;
    assert_eq!(received.len(), 2, "the confirmation and the answer: {received:?}");
    assert_eq!(received[1].body.as_deref(), Some(WORDS));
    scene.check("BK-1", ANSWER, Sent).await;
    assert_eq!(
        scene.metric("bellhop_messages_total{kind=\"staff-answer\",outcome=\"accepted\"}"),
        1.0
    );
    assert_eq!(scene.waiting().await, 0);
}

// shows: B181
#[tokio::test(flavor = "multi_thread")]
async fn when_the_window_is_shut_a_template_of_the_resort_reaches_the_guest() {
    let scene = Scene::new().await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;

    scene
        .answer(
            Uuid::now_v7(),
            StaffAnswer::Template(MessageKind::ReservationConfirmation),
        )
        .await;
    scene.send().await;

    assert_eq!(scene.names_received_by(ADA).await, ["confirmed", "confirmed"]);
    let answer = scene.check("BK-1", ANSWER, Sent).await;
    assert_eq!(answer.template.as_deref(), Some("confirmed"));
}

// shows: B182
#[tokio::test(flavor = "multi_thread")]
async fn a_text_whose_window_shuts_before_it_goes_ends_and_the_guest_waits_again() {
    for (shut, state, reason) in [
        (
            "UPDATE conversations SET open_until = clock_timestamp()",
            Skipped,
            Reason::WindowClosed,
        ),
        (
            "UPDATE messages SET expires_at = clock_timestamp() WHERE state = 'queued'",
            Expired,
            Reason::Expired,
        ),
    ] {
        let scene = asked(&ResortFile::patient()).await;
        scene.answer(Uuid::now_v7(), text()).await;
        assert_eq!(scene.waiting().await, 0);
        scene.database.execute(shut).await;

        scene.send().await;

        let answer = scene.check("BK-1", ANSWER, state).await;
        assert_eq!(answer.existing.reason, Some(reason));
        assert_eq!(scene.waiting().await, 1);
        assert_eq!(scene.received_by(ADA).await.len(), 1, "no template goes instead");
    }
}

// shows: B182
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_whatsapp_refuses_since_the_window_is_shut_is_replaced_by_nothing() {
    let scene = asked(&ResortFile::patient()).await;
    scene
        .tell_sandbox("failures", json!({ "answer": { "error": 131_047 } }))
        .await;
    scene.answer(Uuid::now_v7(), text()).await;

    scene.send().await;
    scene.heal_sandbox().await;
    scene.send().await;

    let answer = scene.check("BK-1", ANSWER, Skipped).await;
    assert_eq!(answer.existing.reason, Some(Reason::WindowClosed));
    assert_eq!(scene.received_by(ADA).await.len(), 1);
    assert_eq!(scene.waiting().await, 1);
}

// shows: B182
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_guest_who_was_erased_after_the_answer_was_written() {
    let scene = asked(&ResortFile::patient()).await;
    scene.answer(Uuid::now_v7(), text()).await;
    let ids = scene.due().await;

    scene
        .run(|connection, planner| {
            guest_data::erase(connection, planner, &DataSubject::Booking(key("BK-1")), None)
        })
        .await;
    scene.sender.send_once(ids).await.unwrap();

    scene.check("BK-1", ANSWER, Withdrawn).await;
    assert_eq!(scene.received_by(ADA).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_a_pause_of_the_resort() {
    let scene = asked(&ResortFile::patient()).await;
    scene
        .database
        .execute(
            "INSERT INTO holds (key, scope, resort, reason, by_whom) \
             VALUES ('paused azure-bay', 'paused', 'azure-bay', 'paused', 'zoe')",
        )
        .await;
    scene.answer(Uuid::now_v7(), text()).await;

    scene.send().await;

    scene
        .check("BK-1", ANSWER, domain::message::MessageState::Held)
        .await;
    scene.database.execute("DELETE FROM holds").await;
    scene.maintain_and_send().await;
    scene.check("BK-1", ANSWER, Sent).await;
}

// shows: B185
#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_staff_send_now_goes_in_quiet_hours_and_one_that_they_withdrew_does_not() {
    for (instruction, state) in [(Instruction::SendNow, Sent), (Instruction::Withdraw, Withdrawn)] {
        let scene = Scene::of(&ResortFile::patient()).await;
        scene.apply(abandoned("BK-1", ADA)).await;
        scene.check("BK-1", REMINDER_1, Queued).await;
        // Evening comes before a sender takes it.
        scene.change_file(Some(&quiet_now().0));

        scene.instruct(REMINDER_1, instruction).await;
        scene.send().await;

        scene.check("BK-1", REMINDER_1, state).await;
    }
}

// shows: B185
#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_waits_for_the_end_of_quiet_hours_goes_when_staff_say_so() {
    let scene = Scene::of(&quiet_now().0).await;
    scene.apply_and_send(abandoned("BK-1", ADA)).await;
    assert!(scene.messages("BK-1").await.is_empty());

    scene.instruct(REMINDER_1, Instruction::SendNow).await;
    scene.send().await;

    scene.check("BK-1", REMINDER_1, Sent).await;
}
