//! A guest and a member of the staff, each at their own screen.

use browser::{Browser, Key, Theme, Window};
use testkit::world::{Event, World};

use super::scene::{self, ADA, sign_in};

// shows: B208
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_answers_a_reminder_on_their_phone_and_the_desk_shows_that_they_wait() {
    let world = World::start(&scene::resort()).await;
    let desk = world.desk_page().await;
    let (phone, staff) = tokio::try_join!(
        Browser::start(Window::Phone, Theme::Light),
        Browser::start(Window::Desktop, Theme::Light)
    )
    .unwrap();
    sign_in(&staff, &desk).await;
    staff.go(&desk.at("/guests")).await.unwrap();

    world.post(&Event::started("BK-1001", ADA)).await;
    world.until_received(ADA, 1).await;
    phone
        .go(&format!("http://{}/phone/{ADA}", world.sandbox_address()))
        .await
        .unwrap();
    let reminder = phone.text("li:last-child").await.unwrap();
    phone.type_into("#text", "Is breakfast included?").await.unwrap();
    phone.press(Key::Enter).await.unwrap();
    world.until_guests_heard(1).await;
    staff
        .wait_until("document.querySelector('main tbody a')")
        .await
        .unwrap();
    staff.click("main tbody a").await.unwrap();
    let booking = staff.text("h1").await.unwrap();

    assert!(reminder.contains("Hi Ada"), "{reminder}");
    assert!(booking.starts_with("azure-bay/BK-1001"), "{booking}");
    assert_eq!(staff.console_errors().await.unwrap(), [""; 0]);
    assert_eq!(phone.console_errors().await.unwrap(), [""; 0]);
}
