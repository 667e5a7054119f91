//! A guest and a member of the staff, each at their own screen.

use browser::{Browser, Key, Theme, Window};
use testkit::world::{Event, World};

use super::scene::{self, ADA, sign_in};

// shows: B208
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_answers_on_their_phone_the_desk_shows_that_they_wait_and_staff_reply() {
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
    staff.click("form[action$='/conversation'] button").await.unwrap();
    let asked = staff.text(".chat li.guest:last-child").await.unwrap();
    staff
        .type_into("#text", "It is, from seven to ten.")
        .await
        .unwrap();
    staff.click("form[action$='/answer'] button").await.unwrap();
    world.until_received(ADA, 2).await;
    phone
        .wait_until("document.querySelector('li:last-child').textContent.includes('from seven to ten')")
        .await
        .unwrap();
    let title = staff.title().await.unwrap();

    assert!(asked.contains("Is breakfast included?"), "{asked}");
    assert!(title.starts_with("Booking"), "{title}: nobody waits any more");
    assert!(reminder.contains("Hi Ada"), "{reminder}");
    assert!(booking.starts_with("azure-bay/BK-1001"), "{booking}");
    assert_eq!(staff.console_errors().await.unwrap(), [""; 0]);
    assert_eq!(phone.console_errors().await.unwrap(), [""; 0]);
}
