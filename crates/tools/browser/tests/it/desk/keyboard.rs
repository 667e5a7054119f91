//! The desk without a mouse.

use browser::{Browser, Key, Theme, Window};
use testkit::world::World;

use super::scene;

const NOTHING_HELD: &str = "document.querySelector('main .empty')?.innerText === 'Nothing is on hold.'";

// shows: B207
#[tokio::test(flavor = "multi_thread")]
async fn a_member_signs_in_pauses_a_resort_and_ends_it_by_the_keyboard_alone() {
    let world = World::start(&scene::resort()).await;
    let desk = world.desk_page().await;
    let browser = Browser::start(Window::Desktop, Theme::Light).await.unwrap();
    browser.go(&desk.link("anna").await).await.unwrap();

    press(&browser, "button.primary").await;
    browser
        .wait_until("document.querySelector('.who')")
        .await
        .unwrap();
    press(&browser, "nav a[href='/holds']").await;
    browser.wait_until(NOTHING_HELD).await.unwrap();
    browser.tab_to("select[name=resort]").await.unwrap();
    browser.keys("azure-bay").await.unwrap();
    browser.tab_to("input[name=note]").await.unwrap();
    browser.keys("The pool is being painted").await.unwrap();
    press(&browser, "button.danger").await;
    let paused = browser.text("[role=status]").await.unwrap();
    let held = browser.text("tbody tr").await.unwrap();
    press(&browser, "tbody summary").await;
    browser.screenshot("desk-hold-ending").await.unwrap();
    press(&browser, "tbody button").await;
    browser.wait_until(NOTHING_HELD).await.unwrap();

    assert!(paused.starts_with("Paused."), "{paused}");
    assert!(held.contains("azure-bay"), "{held}");
    assert_eq!(browser.console_errors().await.unwrap(), [""; 0]);
}

/// Walks there and presses Enter.
async fn press(browser: &Browser, selector: &str) {
    browser.tab_to(selector).await.unwrap();
    browser.press(Key::Enter).await.unwrap();
}
