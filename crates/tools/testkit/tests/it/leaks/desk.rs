//! The support staff at work: what they see of guests, decide, and erase.

use serde_json::Value;
use testkit::plain_browser::PlainBrowser;
use testkit::world::World;

use super::{Guest, MARKER};

/// What the desk said.
#[derive(Default)]
pub(super) struct Said {
    /// What a command shows without `--reveal`.
    pub(super) shown: String,
    /// What is said beside what is shown.
    pub(super) beside: String,
}

impl Said {
    /// A command whose result may hold nothing of a guest.
    async fn keep(&mut self, world: &World, command: &str) {
        let ended = world.desk(command).await;
        self.shown.push_str(&ended.check(0).stdout);
        self.beside.push_str(&ended.stderr);
    }

    /// Runs a command whose result may hold personal data; returns it.
    async fn keep_beside(&mut self, world: &World, command: &str, stdin: &str) -> String {
        let ended = world.desk_saying(command, stdin).await;
        self.beside.push_str(&ended.check(0).stderr);
        ended.stdout
    }
}

/// What the support staff see without asking for more, what they look at and do, with words that name the guest, and what
/// they see after that.
pub(super) async fn sit_at_the_desk(world: &World, ada: &Guest, bob: &Guest) -> Said {
    let mut said = Said::default();
    let name = &ada.last_name;
    let show = format!("bookings show azure-bay {MARKER}");
    let answer = format!("Dear {name}, {}", ada.text);
    let dead = world.letters("--kind messages").await.remove(0)["id"].clone();
    for (command, stdin, reveals) in [
        (format!("{show} --reveal --note {name}"), "", true),
        (format!("letters show {dead} --reveal --note {name}"), "", false),
        (
            format!("pause --resort azure-bay --kind review_request --note {name}"),
            "",
            false,
        ),
        ("holds --reveal".to_owned(), "", true),
        (
            format!("letters edit {dead} --phone - --note {name}"),
            &bob.phone,
            false,
        ),
        (format!("letters close {dead} --note {name}"), "", false),
        (format!("letters show {dead} --reveal"), "", true),
        (
            format!("guests answer --booking azure-bay BK-2 --text - --note {name}"),
            &answer,
            false,
        ),
        ("bookings show azure-bay BK-2 --reveal".to_owned(), "", true),
        (
            format!("guests stop --booking azure-bay BK-2 --note {name}"),
            "",
            false,
        ),
        (format!("guests export --phone - --note {name}"), &ada.phone, true),
        ("audit list --reveal".to_owned(), "", true),
        ("keys reseal".to_owned(), "", false),
    ] {
        let shown = said.keep_beside(world, &command, stdin).await;
        assert!(!reveals || shown.contains(name.as_str()), "{command}: {shown}");
    }
    look_around(world, &dead, &mut said).await;
    said
}

/// Whatever shows nothing of a guest, before and after it was revealed.
async fn look_around(world: &World, dead: &Value, said: &mut Said) {
    let show = format!("bookings show azure-bay {MARKER}");
    for command in [
        &*show,
        &format!("{show} --json"),
        "bookings show azure-bay BK-2 --json",
        "guests waiting",
        "messages list",
        "messages list --json",
        "holds",
        "holds --json",
        "letters list --json",
        "letters list --closed --json",
        "letters list --by reason",
        "letters show 1",
        "letters show 2 --json",
        &format!("letters show {dead} --json"),
        "letters retry --all --dry-run",
        "keys check",
        "staff list",
        "audit list",
        "audit list --json",
        "ledger check",
    ] {
        said.keep(world, command).await;
    }
}

/// The same staff at the desk's page: what it shows without being asked for more, what it reveals, and its log.
pub(super) async fn sit_at_the_page(world: &World, ada: &Guest, said: &mut Said) {
    let mut desk = world.serve_desk().await;
    let mut browser = PlainBrowser::at(desk.address());
    let token = world.variable("BELLHOP_STAFF_TOKEN");
    browser.post("/login", &[("token", token)]).await.check(303);
    let booking = format!("/bookings/azure-bay/{MARKER}");
    let found = browser
        .post("/guests/find", &[("phone", &ada.phone)])
        .await
        .check(200)
        .has(MARKER);
    said.shown.push_str(&found.text);
    let reveal = [("value", "name"), ("note", ada.last_name.as_str())];
    let revealed = browser
        .post(&format!("{booking}/reveal"), &reveal)
        .await
        .check(200);
    revealed.has(&ada.last_name);
    let letters = browser
        .post("/letters/find", &[("phone", &ada.phone)])
        .await
        .check(200)
        .has("Letters of +30");
    said.shown.push_str(&letters.text);
    for path in [
        "/",
        &*booking,
        "/letters?state=all",
        "/letters/1",
        "/letters/2?state=all",
        "/letters/jobs",
        "/guests",
        "/holds",
        "/report",
        "/sources",
        "/sources/direct",
        "/audit",
        "/settings",
        "/sessions",
        "/nowhere",
    ] {
        let page = browser.get(path).await;
        said.shown.push_str(&format!("{:?}\n{}", page.headers, page.text));
    }
    assert_eq!(desk.stop().await.unwrap(), Some(0));
    said.beside.push_str(&desk.log());
}

/// Erases a guest by number and another by booking; the output must not name them.
pub(super) async fn forget(world: &World, ada: &Guest, said: &mut Said) {
    let erased = said
        .keep_beside(world, "guests erase --phone -", &ada.phone)
        .await;
    assert!(erased.contains(MARKER), "{erased}");
    said.shown.push_str(&erased);
    said.keep(world, "guests erase --booking azure-bay BK-2").await;
    said.keep(world, &format!("bookings show azure-bay {MARKER}"))
        .await;
}
