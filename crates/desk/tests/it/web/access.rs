//! Who may see the pages, and how they sign in.

use domain::staff::{Access, Role};

use super::{Served, access};
use crate::program::desk;

/// Makes a link with the command line; returns its path.
async fn link(served: &Served, token: &str, name: &str) -> String {
    let url = served.database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_STAFF_TOKEN", token),
        ("DESK_PUBLIC_URL", "https://desk.example"),
    ];
    let ended = desk(&["staff", "link", name], &environment, "").await;
    let link = ended.check(0).stdout.trim();
    link.strip_prefix("https://desk.example").unwrap().to_owned()
}

// shows: B200, T40
#[tokio::test]
async fn a_link_signs_one_browser_in_once_and_only_by_its_button() {
    let served = Served::start().await;
    let token = served.database.hire("anna").await;
    let path = link(&served, &token, "anna").await;
    let (mut browser, mut second) = (served.browser(), served.browser());

    browser.get("/").await.check(303);
    browser.get(&path).await.check(200).has("Sign in as anna");
    browser.get(&path).await.check(200).has("Sign in as anna");
    assert_eq!(browser.post(&path, &[]).await.check(303).location(), "/");
    browser.get("/").await.check(200).has("anna");

    second.get(&path).await.check(404).has("no longer works");
    second.post(&path, &[]).await.check(404);
    assert_eq!(second.get("/").await.check(303).location(), "/login");
    let contents = served.database.contents().await;
    assert!(!contents.contains(path.rsplit('/').next().unwrap()));
    assert!(!served.program.log().contains(path.rsplit('/').next().unwrap()));
}

// shows: B200
#[tokio::test]
async fn a_token_signs_in_and_what_is_none_is_refused_in_words() {
    let served = Served::start().await;
    let token = served.database.hire("anna").await;
    let mut browser = served.browser();

    browser
        .post("/login", &[("token", "hunter2")])
        .await
        .check(422)
        .has("no token")
        .lacks("hunter2");
    let unknown = format!("bellhop_{}", "x".repeat(43));
    browser
        .post("/login", &[("token", &unknown)])
        .await
        .check(422)
        .has("no present member");
    browser.get("/").await.check(303);

    browser
        .post("/login", &[("token", &format!(" {token} "))])
        .await
        .check(303);
    browser.get("/").await.check(200);
}

// shows: B200
#[tokio::test]
async fn a_session_ends_with_its_member_and_with_the_sign_out() {
    let served = Served::start().await;
    let anna = served.database.hire("anna").await;
    let mut bens = served.member("ben", access(Role::Support, &[])).await;
    let mut annas = served.browser();
    annas.post("/login", &[("token", &anna)]).await.check(303);

    bens.get("/").await.check(200);
    let url = served.database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_STAFF_TOKEN", anna.as_str()),
    ];
    desk(&["staff", "remove", "ben"], &environment, "").await.check(0);
    let before = annas.clone();
    annas.post("/logout", &[]).await.check(303);

    assert_eq!(bens.get("/").await.check(303).location(), "/login");
    for mut browser in [annas, before] {
        assert_eq!(browser.get("/").await.check(303).location(), "/login");
    }
}

// shows: B200
#[tokio::test]
async fn members_see_their_browsers_and_end_each_of_them_and_no_one_elses() {
    let served = Served::start().await;
    let anna = served.database.hire("anna").await;
    let mut ben = served.member("ben", access(Role::Support, &[])).await;
    let (mut desktop, mut phone) = (
        served.browser().with(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
        ),
        served.browser().with(
            "user-agent",
            "Mozilla/5.0 (Linux; Android 16) Chrome/150.0 Mobile Safari/537.36",
        ),
    );
    for browser in [&mut desktop, &mut phone] {
        browser.post("/login", &[("token", &anna)]).await.check(303);
    }

    let page = desktop.get("/sessions").await.check(200);
    let page = page.has("Firefox on Linux").has("Chrome on Android");
    let ids: Vec<&str> = page
        .text
        .split("name=\"id\" value=\"")
        .skip(1)
        .map(|rest| &rest[..36])
        .collect();
    let phones = ids.first().copied().unwrap();
    ben.submit("/sessions", &[("id", phones)]).await.check(200);
    phone.get("/").await.check(200);
    desktop
        .submit("/sessions", &[("id", phones)])
        .await
        .check(200)
        .lacks("Android");

    phone.get("/").await.check(303);
    desktop.get("/").await.check(200);
}

// shows: T41
#[tokio::test]
async fn what_another_site_asks_for_is_refused_and_changes_nothing() {
    let served = Served::start().await;
    let mut browser = served.member("anna", Access::ADMIN).await;

    for (site, origin) in [
        ("cross-site", ""),
        ("same-site", "https://127.0.0.1"),
        ("none", ""),
        ("", ""),
        ("", "https://evil.example"),
    ] {
        let mut elsewhere = browser
            .clone()
            .with("sec-fetch-site", site)
            .with("origin", origin);
        elsewhere
            .post("/logout", &[])
            .await
            .check(403)
            .has("did not come from");
    }

    browser.get("/").await.check(200);
    let mut old = browser
        .with("sec-fetch-site", "")
        .with("origin", "http://127.0.0.1:8083");
    old.post("/logout", &[]).await.check(303);
}

// shows: T41
#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_it_to_itself() {
    let served = Served::start().await;
    let mut browser = served.member("anna", Access::ADMIN).await;

    for path in ["/", "/nowhere", "/login", "/desk.css", "/sessions"] {
        let page = browser.get(path).await;
        let header = |name: &str| page.headers.get(name).map_or("", |value| value.to_str().unwrap());
        assert!(
            header("content-security-policy").contains("default-src 'none'"),
            "{path}"
        );
        assert!(!header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        let kept = if path == "/desk.css" {
            "public, max-age=31536000, immutable"
        } else {
            "no-store"
        };
        assert_eq!(header("cache-control"), kept, "{path}");
    }
    let answer = served
        .browser()
        .post("/login", &[("token", &served.database.hire("ben").await)])
        .await;
    let cookie = answer.headers.get("set-cookie").unwrap().to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

// shows: T41
#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let served = Served::start_with(&[("DESK_PUBLIC_URL", "https://desk.example")]).await;
    let token = served.database.hire("anna").await;

    let answer = served.browser().post("/login", &[("token", &token)]).await;

    let cookie = answer.headers.get("set-cookie").unwrap().to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-desk=") && cookie.contains("Secure"),
        "{cookie}"
    );
}

// shows: T42
#[tokio::test]
async fn a_gateway_is_believed_from_its_own_address_only() {
    let gateway = [
        ("DESK_TRUSTED_USER_HEADER", "X-Auth-User"),
        ("DESK_TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let elsewhere = [
        ("DESK_TRUSTED_USER_HEADER", "X-Auth-User"),
        ("DESK_TRUSTED_PROXIES", "192.0.2.0/24"),
    ];
    let (near, far) = (
        Served::start_with(&gateway).await,
        Served::start_with(&elsewhere).await,
    );
    for served in [&near, &far] {
        served.database.hire("anna").await;
    }

    let mut anna = near.browser().with("x-auth-user", "anna");
    anna.get("/").await.check(200).has("anna").lacks("Sign out");
    let mut eve = near.browser().with("x-auth-user", "eve");
    eve.get("/").await.check(403).has("not a member of the staff");
    let mut unnamed = near.browser();
    assert_eq!(unnamed.get("/").await.check(303).location(), "/login");
    let mut forged = far.browser().with("x-auth-user", "anna");
    assert_eq!(forged.get("/").await.check(303).location(), "/login");
}

// shows: T40
#[tokio::test]
async fn who_tries_to_sign_in_too_often_is_told_to_wait() {
    let served = Served::start().await;
    let mut browser = served.browser();
    let unknown = format!("bellhop_{}", "x".repeat(43));

    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(browser.post("/login", &[("token", &unknown)]).await.status);
    }

    assert_eq!(statuses[..10], [422; 10]);
    assert_eq!(statuses[10..], [429; 2]);
}

#[tokio::test]
async fn metrics_and_readiness_answer_on_loopback_and_wrong_settings_are_named_together() {
    let served = Served::start().await;
    let mut browser = served.browser();

    browser.get("/metrics").await.check(200).has("bellhop_");
    browser.get("/healthz").await.check(200);
    let ended = desk(
        &["serve"],
        &[
            ("DESK_PUBLIC_URL", "http://desk.example"),
            ("DESK_TRUSTED_USER_HEADER", "X-Auth-User"),
        ],
        "",
    )
    .await;

    let told = &ended.check(2).stderr;
    for name in [
        "DESK_PUBLIC_URL: is http",
        "DESK_TRUSTED_PROXIES: is not set",
        "DATABASE_URL",
        "AMQP_URL",
    ] {
        assert!(told.contains(name), "{told}");
    }
    assert!(served.folder().exists());
}
