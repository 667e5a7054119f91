//! The guest's phone, a page of the sandbox.

use std::collections::BTreeSet;

use browser::{Browser, Key, Theme, Window, html_validate};
use reqwest::Client;
use sandbox::{Sandbox, Settings, StatusTimes, Templates};
use serde_json::{Value, json};
use service::Stop;

const GUEST: &str = "+306912345678";
const NUMBER: &str = "106540352242922";
const TEMPLATES: &str = r#"[
  { "name": "reminder", "language": "en", "category": "MARKETING", "header": "{{1}}",
    "body": "Hi {{1}}, your booking is still waiting for you. Shall we keep the room?", "footer": "Reply STOP to get no more reminders.",
    "buttons": [{ "type": "url", "text": "Continue booking", "url": "https://book.example/{{1}}" },
                { "type": "quick_reply", "text": "No more offers" }] },
  { "name": "check", "language": "en", "category": "UTILITY",
    "body": "Hi {{1}}, welcome to Azure Bay Resort. Is everything all right with your room?",
    "buttons": [{ "type": "quick_reply", "text": "All fine" }, { "type": "quick_reply", "text": "I need help" }] }
]"#;

/// The sandbox as a whole conversation left it. It stops with this value.
struct World {
    sandbox: Sandbox,
    stop: Stop,
    http: Client,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl World {
    fn start() -> Self {
        let mut settings = Settings::for_tests();
        settings.templates = Templates::parse(TEMPLATES).unwrap();
        settings.status_times = StatusTimes::parse("sent=0ms,delivered=0ms").unwrap();
        let stop = Stop::manual();
        let sandbox = sandbox::start(settings, &stop).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { sandbox, stop, http }
    }

    async fn post(&self, path: &str, body: &Value) {
        let request = self.http.post(format!("{}{path}", self.sandbox.url())).json(body);
        let answer = request.bearer_auth("token").send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn send(&self, content: Value) {
        let mut body = json!({ "messaging_product": "whatsapp", "to": GUEST });
        for (name, value) in content.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post(&format!("/v25.0/{NUMBER}/messages"), &body).await;
    }

    async fn send_template(&self, name: &str, parameters: &[(&str, Option<u8>, &str)]) {
        let component = |(kind, index, text): &(&str, Option<u8>, &str)| {
            let mut component = json!({ "type": kind, "parameters": [{ "type": "text", "text": text }] });
            if let Some(index) = index {
                component["sub_type"] = json!("url");
                component["index"] = json!(index);
            }
            component
        };
        let components: Vec<Value> = parameters.iter().map(component).collect();
        let template = json!({ "name": name, "language": { "code": "en" }, "components": components });
        self.send(json!({ "type": "template", "template": template }))
            .await;
    }

    async fn say(&self, text: &str) {
        let inbound = json!({ "from": GUEST, "phone_number_id": NUMBER, "text": text });
        self.post("/sandbox/inbound", &inbound).await;
    }

    /// A conversation with everything that a page can show.
    async fn converse(&self) {
        self.send(json!({ "type": "text", "text": { "body": "Too early: no window is open." } }))
            .await;
        let reminder = [
            ("header", None, "Azure Bay Resort"),
            ("body", None, "Ada"),
            ("button", Some(0), "r/BK-1001?k=1"),
        ];
        self.send_template("reminder", &reminder).await;
        self.say("Is there a room with a view of the sea?").await;
        self.send(json!({ "type": "text", "text": { "body": "There is: number 12.\nShall I change your booking? https://book.example/a-very-long-address-that-does-not-fit-into-one-line" } })).await;
        self.send_template("check", &[("body", None, "Ada")]).await;
    }

    fn phone(&self) -> String {
        format!("{}/phone/{GUEST}", self.sandbox.url())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phone_is_valid_accessible_and_quiet_at_each_size_and_in_each_theme() {
    let world = World::start();
    world.converse().await;
    let browser = Browser::start(Window::Desktop, Theme::Light).await.unwrap();

    for (page, address) in [
        ("conversation", world.phone()),
        ("list", format!("{}/phone", world.sandbox.url())),
    ] {
        browser.go(&address).await.unwrap();
        assert_eq!(
            html_validate(&browser.served().await.unwrap()).unwrap(),
            [""; 0],
            "{page}"
        );
        for window in [Window::Desktop, Window::Phone] {
            browser.resize(window).await.unwrap();
            for theme in [Theme::Light, Theme::Dark] {
                let which = format!("{page}-{window:?}-{theme:?}").to_lowercase();
                browser.colour(theme).await.unwrap();
                assert_eq!(browser.axe().await.unwrap(), [""; 0], "{which}");
                assert!(!browser.scrolls_sideways().await.unwrap(), "{which}");
                browser.screenshot(&format!("phone-{which}")).await.unwrap();
            }
        }
    }

    let own = BTreeSet::from([world.sandbox.address().to_string()]);
    assert_eq!(browser.console_errors().await.unwrap(), [""; 0]);
    assert_eq!(browser.requested_hosts().await.unwrap(), own);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_is_tapped_and_a_text_is_sent_by_the_keyboard_alone() {
    let world = World::start();
    world.converse().await;
    let browser = Browser::start(Window::Phone, Theme::Light).await.unwrap();
    browser.go(&world.phone()).await.unwrap();

    browser
        .tab_to("li:last-child form:last-child button")
        .await
        .unwrap();
    browser.press(Key::Enter).await.unwrap();
    let tapped = browser.text("li.own:last-child article").await.unwrap();
    browser.tab_to("#text").await.unwrap();
    browser.keys("The tap drips.").await.unwrap();
    browser.press(Key::Enter).await.unwrap();
    browser
        .wait_until("document.querySelector('li:last-child .text').innerText === 'The tap drips.'")
        .await
        .unwrap();

    let lines: Vec<&str> = tapped.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "Hi Ada, welcome to Azure Bay Resort. Is everything all right with your room?",
            "I need help"
        ]
    );
    assert_eq!(browser.console_errors().await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_known_by_its_origin_where_a_browser_tells_nothing_else() {
    let world = World::start();
    world.converse().await;
    let browser = Browser::start(Window::Phone, Theme::Dark).await.unwrap();
    let port = world.sandbox.address().port();

    browser
        .go(&format!("http://phone.test:{port}/phone/{GUEST}"))
        .await
        .unwrap();
    browser.type_into("#text", "From another machine").await.unwrap();
    browser.click(".answer button").await.unwrap();
    let answer = browser.text("li:last-child .text").await.unwrap();
    let form = format!(
        "<form method='post' action='http://phone.test:{port}/phone/{GUEST}/answer'>\
                        <input name='number' value='{NUMBER}'><input name='text' value='Mine'><button>Win</button></form>"
    );
    browser.go(&format!("data:text/html,{form}")).await.unwrap();
    browser.click("button").await.unwrap();
    let stolen = browser.text("body").await.unwrap();

    assert_eq!(answer, "From another machine");
    assert_eq!(stolen, "This form was not sent by a page of the sandbox.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_appears_by_itself_and_leaves_the_box_as_it_is() {
    let world = World::start();
    world.converse().await;
    let browser = Browser::start(Window::Phone, Theme::Light).await.unwrap();
    browser.go(&world.phone()).await.unwrap();
    browser.type_into("#text", "Half a sen").await.unwrap();

    world
        .send(json!({ "type": "text", "text": { "body": "We have changed it." } }))
        .await;
    browser
        .wait_until("document.querySelector('li:last-child .text').innerText === 'We have changed it.'")
        .await
        .unwrap();

    let in_view = "const last = document.querySelector('li:last-child').getBoundingClientRect(); \
                   return last.bottom <= document.querySelector('footer').getBoundingClientRect().top";
    assert_eq!(browser.run(in_view, &[]).await.unwrap(), json!(true));
    assert_eq!(
        browser
            .run("return document.querySelector('#text').value", &[])
            .await
            .unwrap(),
        json!("Half a sen")
    );
    assert_eq!(browser.console_errors().await.unwrap(), [""; 0]);
}
