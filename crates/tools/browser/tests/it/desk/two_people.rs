//! Two members of the staff who open the same dead letter, each in a browser of their own.

use browser::{Browser, Key, Theme, Window};
use domain::message::{MessageKind, MessageState};
use domain::staff::Access;
use serde_json::json;
use testkit::world::{Event, World};

use super::scene::{self, ADA, UNDELIVERABLE, sign_in_as};

// shows: B188
#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_each_other_on_a_letter_and_the_second_retry_is_refused_and_sends_nothing() {
    let world = World::start(&scene::resort()).await;
    let refusal = json!({ "times": 1, "answer": { "error": UNDELIVERABLE } });
    world.tell_sandbox("failures", &refusal).await;
    world.post(&Event::started("BK-1001", ADA)).await;
    world
        .until_state("BK-1001", MessageKind::Reminder1, MessageState::Dead)
        .await;
    let found = async || world.letters("--kind messages").await.pop();
    world.until("the letter of the wrong number", found).await;
    world.database().hire_as("ben", Access::ADMIN).await;
    let desk = world.desk_page().await;
    let (anna, ben) = tokio::try_join!(
        Browser::start(Window::Desktop, Theme::Light),
        Browser::start(Window::Phone, Theme::Light)
    )
    .unwrap();
    sign_in_as("anna", &anna, &desk).await;
    sign_in_as("ben", &ben, &desk).await;

    anna.go(&desk.at("/letters/1")).await.unwrap();
    ben.go(&desk.at("/letters/1")).await.unwrap();
    let looked = ben.text("main").await.unwrap();
    anna.click("form[action$='/assign'] button").await.unwrap();
    ben.wait_until("document.querySelector('main .warning')")
        .await
        .unwrap();
    let taken = ben.text("main .warning").await.unwrap();
    ben.screenshot("desk-letter-taken").await.unwrap();
    // A page in which someone is about to press a button is not replaced: Ben's stays as it was.
    ben.tab_to("form[action$='/retry'] button").await.unwrap();
    anna.click("form[action$='/retry'] button").await.unwrap();
    let retried = anna.text("[role=status]").await.unwrap();
    world.until_received(ADA, 1).await;
    ben.press(Key::Enter).await.unwrap();
    let refused = ben.text("[role=alert]").await.unwrap();
    ben.screenshot("desk-letter-too-late").await.unwrap();
    world
        .until_state("BK-1001", MessageKind::Reminder1, MessageState::Read)
        .await;

    assert!(looked.contains("anna looked at it"), "{looked}");
    assert!(taken.starts_with("Taken by anna"), "{taken}");
    assert_eq!(retried, "It is queued again.");
    assert_eq!(refused, "anna was faster: the letter is retried.");
    assert_eq!(world.received_by(ADA).await.len(), 1);
    assert_eq!(anna.console_errors().await.unwrap(), [""; 0]);
    assert_eq!(ben.console_errors().await.unwrap(), [""; 0]);
}
