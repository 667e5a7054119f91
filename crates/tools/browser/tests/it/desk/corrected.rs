//! A dead letter, from the list to the guest's phone.

use browser::{Browser, Theme, Window};
use domain::message::{MessageKind, MessageState};
use serde_json::json;
use testkit::world::{Event, World};

use super::scene::{self, ADA, sign_in};

/// Nobody has it.
const WRONG: &str = "+306912345680";

// shows: B197, B198
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_is_checked_while_it_is_typed_corrected_and_the_reminder_arrives() {
    let world = World::start(&scene::resort()).await;
    let refusal = json!({ "times": 1, "answer": { "error": 131_026 } });
    world.tell_sandbox("failures", &refusal).await;
    world.post(&Event::started("BK-1001", WRONG)).await;
    world
        .until_state("BK-1001", MessageKind::Reminder1, MessageState::Dead)
        .await;
    let found = async || world.letters("--kind messages").await.pop();
    world.until("the letter of the wrong number", found).await;
    let desk = world.desk_page().await;
    let staff = Browser::start(Window::Phone, Theme::Dark).await.unwrap();
    sign_in(&staff, &desk).await;

    staff.go(&desk.at("/letters?reason=refused")).await.unwrap();
    staff.click("main tbody a").await.unwrap();
    staff.keys("?").await.unwrap();
    let keys = staff.text("details[data-key='?'][open]").await.unwrap();
    staff.type_into("#phone", "12").await.unwrap();
    let verdict = "document.getElementById('verdict').textContent";
    // What stood there before anything was typed explains what to type.
    staff
        .wait_until(&format!("!{verdict}.includes('the country code')"))
        .await
        .unwrap();
    let refused = staff.text("#verdict").await.unwrap();
    let typed = "document.getElementById('phone').value = ''";
    staff.run(typed, &[]).await.unwrap();
    staff.type_into("#phone", ADA).await.unwrap();
    staff
        .wait_until(&format!("{verdict}.includes('+30 691 234 5678')"))
        .await
        .unwrap();
    staff.click("button[name=then][value=retry]").await.unwrap();
    world.until_received(ADA, 1).await;

    assert!(keys.contains('j') && keys.contains('k'), "{keys}");
    assert!(!refused.contains("+30"), "{refused}");
    assert_eq!(world.received_by(WRONG).await.len(), 0);
    assert_eq!(staff.console_errors().await.unwrap(), [""; 0]);
}
