//! Acting on many letters: the dry run, the job, and its end.

use std::time::Duration;

use domain::dead_letter::DeadLetterReason::{CannotBeApplied, Refused};
use domain::staff::{Access, Role};
use testkit::plain_browser::{Page, PlainBrowser};
use tokio::time::{sleep, timeout};

use super::letters::MANY;
use super::{Served, access};
use crate::letters::Office;

/// Reads a job's page until it says this.
async fn until(browser: &mut PlainBrowser, path: &str, said: &str) -> Page {
    let looking = async {
        loop {
            let page = browser.get(path).await.check(200);
            if page.text.contains(said) {
                return page;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), looking).await.unwrap()
}

// shows: B193, B199
#[tokio::test]
async fn what_was_ticked_is_shown_as_a_dry_run_and_then_done_by_a_job() {
    let office = Office::open().await;
    for id in ["evt_1", "evt_2", "evt_3"] {
        office.event_is_dead_lettered(id, CannotBeApplied).await;
    }
    office.reminder_is_dead_lettered(Refused).await;
    let served = Served::of(office).await;
    served
        .database
        .execute("UPDATE messages SET state = 'delivered', reason = NULL")
        .await;
    let mut dora = served.member("dora", Access::ADMIN).await;
    let ticked = [
        ("filter", ""),
        ("which", "ticked"),
        ("action", "retry"),
        ("letter[]", "1"),
        ("letter[]", "2"),
        ("letter[]", "4"),
    ];

    let shown = dora.post("/letters/bulk", &ticked).await.check(200);

    shown
        .has("This is about <strong>3</strong> open letters")
        .has("It is sent or applied again.</td><td data-label=\"Letters\" class=\"number\">2</td>")
        .has("WhatsApp took the message after all.</td><td data-label=\"Letters\" class=\"number\">1</td>")
        .has("name=\"filter\" value=\"letters=1.2.4\"");
    let open = "SELECT count(*) AS count FROM letters WHERE state = 'open'";
    assert_eq!(served.database.count(open).await, 4);

    let confirmed = [
        ("action", "retry"),
        ("filter", "letters=1.2.4"),
        ("note", "overnight"),
    ];
    let made = dora.post("/letters/jobs", &confirmed).await.check(303);

    assert_eq!(made.location(), "/letters/jobs/1");
    let done = until(&mut dora, "/letters/jobs/1", "<span class=\"tag\">done</span>").await;
    done.has("Made by dora")
        .has("3 of 3 letters are decided")
        .has("done</span></td><td data-label=\"Letters\" class=\"number\">2</td>")
        .has("after all.</td><td data-label=\"Letters\" class=\"number\">1</td>")
        .has("/letters?state=all&#38;letters=1.2.4")
        .lacks("overnight")
        .lacks("Stop it");
    dora.get("/letters").await.has("<strong>2</strong> letters match");
    let again = dora.submit("/letters/jobs/1/cancel", &[]).await.check(200);
    again.has("was over already");
}

// shows: B193, B199
#[tokio::test]
async fn everything_that_matches_is_assigned_by_a_job_until_someone_stops_it() {
    let served = Served::start().await;
    served.database.execute(MANY).await;
    let mut dora = served.member("dora", Access::ADMIN).await;
    let mut carl = served
        .member("carl", access(Role::Support, &["olive-hill"]))
        .await;
    let mut eve = served.member("eve", access(Role::Viewer, &[])).await;
    let all = [
        ("filter", "reason=cannot_be_applied"),
        ("which", "all"),
        ("action", "assign"),
    ];

    let shown = dora.post("/letters/bulk", &all).await.check(200);
    let theirs = carl.post("/letters/bulk", &all).await.check(200);
    shown
        .has("This is about <strong>9900</strong> open letters")
        .has("<option>dora</option>");
    theirs.has("This is about <strong>5000</strong> open letters");
    eve.post("/letters/bulk", &all)
        .await
        .check(403)
        .has("role support");
    let confirmed = [
        ("action", "assign"),
        ("filter", "reason=cannot_be_applied"),
        ("to", "dora"),
    ];
    eve.post("/letters/jobs", &confirmed).await.check(403);
    let made = dora.post("/letters/jobs", &confirmed).await.check(303);
    let job = made.location().to_owned();
    until(&mut dora, &job, " of 9900 letters are decided").await;
    for path in [&*job, "/letters/jobs/2"] {
        carl.get(path).await.check(404);
        carl.post(&format!("{path}/cancel"), &[]).await.check(404);
    }
    carl.get("/letters/jobs").await.check(200).has("no job yet");
    eve.get(&job).await.check(200).lacks("Stop it");
    eve.post(&format!("{job}/cancel"), &[]).await.check(403);

    let stopped = dora.submit(&format!("{job}/cancel"), &[]).await.check(200);

    stopped
        .has("The job is stopped")
        .has("assign to dora <span class=\"tag\">cancelled</span>")
        .lacks("data-refresh");
    let decided = "SELECT count(*) AS count FROM letters WHERE assigned_to = 'dora'";
    assert!(served.database.count(decided).await < 9900);
    dora.get("/letters/jobs")
        .await
        .check(200)
        .has("of 9900")
        .has("cancelled");
}

/// The reasons and letters of an action, as the audit page shows them once its reasons are revealed.
async fn trail(browser: &mut PlainBrowser, action: &str) -> Page {
    let asked = [("who", ""), ("action", action), ("booking", ""), ("since", "")];
    browser.post("/audit", &asked).await.check(200)
}

// shows: B189
#[tokio::test]
async fn many_letters_are_assigned_and_closed_after_their_counts_were_shown_and_each_has_its_row_with_the_note()
 {
    let office = Office::open().await;
    for id in ["evt_1", "evt_2", "evt_3"] {
        office.event_is_dead_lettered(id, CannotBeApplied).await;
    }
    office.reminder_is_dead_lettered(Refused).await;
    let served = Served::of(office).await;
    let mut dora = served.member("dora", Access::ADMIN).await;
    dora.post("/letters/1/assign", &[("to", "ben")]).await.check(303);
    let all = |action| [("filter", ""), ("which", "all"), ("action", action)];

    let shown = dora.post("/letters/bulk", &all("assign")).await.check(200);
    let assign = [
        ("action", "assign"),
        ("filter", ""),
        ("to", "ben"),
        ("note", "holidays"),
    ];
    let made = dora.post("/letters/jobs", &assign).await.check(303);
    let assigned = until(&mut dora, made.location(), "<span class=\"tag\">done</span>").await;

    shown
        .has("This is about <strong>4</strong> open letters")
        .has("The database refused what the platform told, several times.</td><td data-label=\"Letters\" class=\"number\">3<")
        .has("WhatsApp refused the message for good.</td><td data-label=\"Letters\" class=\"number\">1<")
        .has("Taken: 1 by ben.");
    assigned
        .has("assign to ben")
        .has("done</span></td><td data-label=\"Letters\" class=\"number\">4</td>");
    let rows = trail(&mut dora, "letter_assigned").await;
    assert_eq!(rows.text.matches("letter assigned</td>").count(), 4);
    assert_eq!(rows.text.matches("holidays").count(), 3, "{}", rows.text);

    let shown = dora.post("/letters/bulk", &all("close")).await.check(200);
    let close = [("action", "close"), ("filter", ""), ("note", "test data")];
    let made = dora.post("/letters/jobs", &close).await.check(303);
    let closed = until(&mut dora, made.location(), "<span class=\"tag\">done</span>").await;

    shown.has("Taken: 4 by ben.");
    closed
        .has("4 of 4 letters are decided")
        .has("done</span></td><td data-label=\"Letters\" class=\"number\">4</td>")
        .lacks("test data");
    let rows = trail(&mut dora, "letter_closed").await;
    for letter in 1..=4 {
        rows.text.find(&format!("/letters/{letter}\"")).unwrap();
    }
    assert_eq!(rows.text.matches("test data").count(), 4);
    let open = "SELECT count(*) AS count FROM letters WHERE state <> 'closed' OR note_key IS NULL";
    assert_eq!(served.database.count(open).await, 0);
}

// shows: B199
#[tokio::test]
async fn nothing_is_made_of_no_letters_of_no_reason_and_of_no_action() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    let served = Served::of(office).await;
    let mut dora = served.member("dora", Access::ADMIN).await;

    for (form, said) in [
        (
            [("action", "retry"), ("which", "ticked"), ("filter", "")],
            "Tick a letter",
        ),
        (
            [("action", "burn"), ("which", "all"), ("filter", "")],
            "no such action",
        ),
        (
            [("action", "retry"), ("which", "all"), ("filter", "colour=red")],
            "colour is not a filter",
        ),
    ] {
        dora.post("/letters/bulk", &form).await.check(400).has(said);
    }
    for (form, said) in [
        (
            [("action", "close"), ("filter", ""), ("note", " ")],
            "needs a note",
        ),
        (
            [("action", "retry"), ("filter", "letters=99"), ("note", "")],
            "No open letter matches",
        ),
        (
            [("action", "burn"), ("filter", ""), ("note", "")],
            "no such action",
        ),
    ] {
        dora.post("/letters/jobs", &form).await.check(400).has(said);
    }

    for path in ["/letters/bulk", "/letters/find"] {
        assert_eq!(dora.get(path).await.check(303).location(), "/letters");
    }
    assert_eq!(
        served
            .database
            .count("SELECT count(*) AS count FROM letter_jobs")
            .await,
        0
    );
    let close = [("action", "close"), ("filter", ""), ("note", "test data")];
    let made = dora.post("/letters/jobs", &close).await.check(303);
    until(&mut dora, made.location(), "<span class=\"tag\">done</span>").await;
    dora.get("/letters?state=closed").await.has("closed by dora");
}
