//! A page with every mistake that the browser and its judges are there to find.

use std::collections::BTreeSet;

use browser::{Browser, Theme, Window, html_validate};
use serde_json::json;

/// Grey on white in the light theme alone, no language, a picture of another host, something wide, a script that fails.
const PAGE: &str = "<!DOCTYPE html><html><head><title>Bad</title><style>\
                    @media (prefers-color-scheme: light) { p { color: #ccc } }\
                    </style></head><body><main><h1>Bad</h1><p>Too pale</p><div style='width: 500px'>Wide</div>\
                    <img src='http://elsewhere.invalid/a.png'></main><script>throw new Error('it fails')</script></body></html>";

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_page_is_found_out() {
    let browser = Browser::start(Window::Phone, Theme::Light).await.unwrap();
    browser
        .go(&format!("data:text/html,{}", PAGE.replace('#', "%23")))
        .await
        .unwrap();

    let light = browser.axe().await.unwrap().join("\n");
    browser.colour(Theme::Dark).await.unwrap();
    let dark = browser.axe().await.unwrap().join("\n");
    let invalid = html_validate(PAGE).unwrap().join("\n");
    let errors = browser.console_errors().await.unwrap().join("\n");

    for (rule, element) in [
        ("html-has-lang", "html"),
        ("image-alt", "img"),
        ("color-contrast", "p"),
    ] {
        assert!(
            light.contains(&format!("{rule}: ")) && light.contains(&format!(": {element}")),
            "{rule}: {light}"
        );
    }
    assert!(
        dark.contains("image-alt") && !dark.contains("color-contrast"),
        "{dark}"
    );
    assert!(
        invalid.contains("<img>") && invalid.contains("Inline style"),
        "{invalid}"
    );
    assert!(
        errors.contains("it fails") && errors.contains("elsewhere.invalid"),
        "{errors}"
    );
    assert!(browser.scrolls_sideways().await.unwrap());
    let hosts = browser.requested_hosts().await.unwrap();
    assert_eq!(hosts, BTreeSet::from(["elsewhere.invalid".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_an_error_and_no_long_wait() {
    let browser = Browser::start(Window::Desktop, Theme::Dark).await.unwrap();
    browser.go("data:text/html,<p>Alone").await.unwrap();

    let error = browser.tab_to("button").await.unwrap_err().to_string();
    let thrown = browser
        .run("throw new Error('so it is')", &[])
        .await
        .unwrap_err()
        .to_string();
    let size = browser
        .run("return [innerWidth, innerHeight]", &[])
        .await
        .unwrap();

    assert_eq!(error, "the keyboard does not lead to button");
    assert!(thrown.contains("so it is"), "{thrown}");
    assert_eq!(size, json!([1280, 900]));
}
