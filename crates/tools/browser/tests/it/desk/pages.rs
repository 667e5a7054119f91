//! Each page, judged.

use std::collections::BTreeSet;

use browser::{Browser, Theme, Window, html_validate_all};
use serde_json::json;

use super::scene::{self, sign_in};

const BOOKING: &str = "/bookings/azure-bay/BK-1001";

/// What a page may weigh, in bytes.
const LARGEST: usize = 50 << 10;

/// Pages, each with a form that is filled in and sent first, or none: its selector, a field, and what goes there.
const PAGES: [(&str, &str, Option<[&str; 3]>); 28] = [
    ("attention", "/", None),
    ("booking", BOOKING, None),
    ("booking-abandoned", scene::BOBS, None),
    (
        "booking-revealed",
        BOOKING,
        Some(["form[action$=reveal]", "", ""]),
    ),
    ("letters", "/letters", None),
    ("letters-of-none", "/letters?resort=none", None),
    (
        "letters-retry",
        "/letters",
        Some(["form[action$=bulk]", "which", "all"]),
    ),
    ("letters-none", "/letters?reason=crashed", None),
    (
        "letters-found",
        "/letters",
        Some(["form[action$=find]", "phone", scene::ADA]),
    ),
    ("letter", "/letters/1", None),
    ("letter-retried", "/letters/1?done=retried", None),
    ("letter-refused", "/letters/1?refused=opted_out", None),
    (
        "letter-revealed",
        "/letters/1",
        Some(["form[action$=reveal]", "", ""]),
    ),
    ("jobs", "/letters/jobs", None),
    ("job", "/letters/jobs/1", None),
    ("guests", "/guests", None),
    (
        "guests-found",
        "/guests",
        Some(["form[role=search]", "phone", scene::ADA]),
    ),
    ("holds", "/holds", None),
    ("holds-paused", "/holds?done=paused", None),
    ("report", "/report?resort=azure-bay&month=2026-01", None),
    ("report-now", "/report", None),
    ("sources", "/sources", None),
    ("source", "/sources/direct", None),
    (
        "source-tried",
        "/sources/direct",
        Some(["main form", "payload", r#"{"type":"booking_started"}"#]),
    ),
    ("audit", "/audit", None),
    ("audit-empty", "/audit?action=letter_closed", None),
    ("settings", "/settings", None),
    ("sessions", "/sessions", None),
];

/// Those that need no member.
const OUTSIDE: [(&str, &str); 3] = [
    ("login", "/login"),
    ("link-used", "/login/bellhop_nothing"),
    ("not-found", "/nowhere"),
];

// shows: B204
#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_valid_accessible_quiet_small_and_fits_a_phone() {
    let world = scene::evening().await;
    world.database().execute(scene::A_SEASON).await;
    let desk = world.desk_page().await;
    let browser = Browser::start(Window::Desktop, Theme::Light).await.unwrap();
    let mut served = Vec::new();

    for (name, path) in OUTSIDE {
        browser.go(&desk.at(path)).await.unwrap();
        served.push((name.to_owned(), browser.served().await.unwrap()));
        judge(&browser, name).await;
    }
    // The browser itself complains about pages that are not found.
    browser.console_errors().await.unwrap();
    browser.go(&desk.link("anna").await).await.unwrap();
    served.push(("link".to_owned(), browser.served().await.unwrap()));
    judge(&browser, "link").await;
    sign_in(&browser, &desk).await;
    for (name, path, form) in PAGES {
        browser.go(&desk.at(path)).await.unwrap();
        served.push((name.to_owned(), load(&browser, form).await));
        judge(&browser, name).await;
    }

    assert_eq!(html_validate_all(&served).unwrap(), [""; 0]);
    for (name, html) in served {
        assert!(html.len() < LARGEST, "{name} has {} bytes", html.len());
    }
    assert_eq!(browser.console_errors().await.unwrap(), [""; 0]);
    let hosts = browser.requested_hosts().await.unwrap();
    assert_eq!(hosts, BTreeSet::from([desk.host()]));
}

/// The page as the server sends it, after its form was sent where it has one.
async fn load(browser: &Browser, form: Option<[&str; 3]>) -> String {
    let Some([selector, field, value]) = form else {
        return browser.served().await.unwrap();
    };
    let fill = "const [selector, field, value] = arguments; const form = document.querySelector(selector); \
                form.closest('details')?.setAttribute('open', ''); \
                if (field) form.elements[field].value = value; \
                const sent = { method: 'POST', body: new URLSearchParams(new FormData(form, form.querySelector('button'))) }; \
                return fetch(form.getAttribute('action') ?? location.href, sent).then((answer) => answer.text())";
    let html = browser
        .run(fill, &[json!(selector), json!(field), json!(value)])
        .await
        .unwrap();
    let send = format!("{selector} button");
    browser.click(&send).await.unwrap();
    html.as_str().unwrap().to_owned()
}

/// At a desk in the light theme and on a phone in the dark one; in pictures also the other way round.
async fn judge(browser: &Browser, name: &str) {
    for (window, theme, is_judged) in [
        (Window::Desktop, Theme::Dark, false),
        (Window::Desktop, Theme::Light, true),
        (Window::Phone, Theme::Light, false),
        (Window::Phone, Theme::Dark, true),
    ] {
        if !is_judged && !Browser::takes_pictures() {
            continue;
        }
        browser.resize(window).await.unwrap();
        browser.colour(theme).await.unwrap();
        let which = format!("desk-{name}-{window:?}-{theme:?}").to_lowercase();
        browser.screenshot(&which).await.unwrap();
        if is_judged {
            assert_eq!(browser.axe().await.unwrap(), [""; 0], "{which}");
            assert!(!browser.scrolls_sideways().await.unwrap(), "{which}");
        }
    }
    browser.resize(Window::Desktop).await.unwrap();
}
