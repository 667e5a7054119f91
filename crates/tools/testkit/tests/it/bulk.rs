//! An action over many letters, asked for at the desk's page by a browser without scripts.

use testkit::plain_browser::{Page, PlainBrowser};
use testkit::world::World;

use crate::scene::{dead_messages_at_once, each_guest_gets_one_message};

/// How many letters the job has decided, as its page shows it to programs that read it aloud.
fn decided(page: &Page) -> usize {
    let (_, rest) = page.text.split_once("<progress").unwrap();
    let (_, rest) = rest.split_once(" value=\"").unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

/// Reads a page until it is like this.
async fn until(world: &World, browser: &mut PlainBrowser, path: &str, is_so: impl Fn(&Page) -> bool) -> Page {
    let look = async || Some(browser.get(path).await.check(200)).filter(&is_so);
    world.until(path, look).await
}

/// Chooses all letters of a reason, sees the dry run, and confirms it; returns where the job is.
async fn retry_all(browser: &mut PlainBrowser, letters: usize) -> String {
    let all = [
        ("filter", "reason=refused"),
        ("which", "all"),
        ("action", "retry"),
    ];
    let dry_run = browser.post("/letters/bulk", &all).await.check(200);
    dry_run
        .has(&format!("<strong>{letters}</strong> open letters"))
        .has(&format!("data-label=\"Letters\" class=\"number\">{letters}</td>"));
    let confirmed = [
        ("action", "retry"),
        ("filter", "reason=refused"),
        ("note", "overnight"),
    ];
    let made = browser.post("/letters/jobs", &confirmed).await.check(303);
    made.location().to_owned()
}

/// The desk has moved the letters out of their queue.
async fn until_listed(world: &World, browser: &mut PlainBrowser, letters: usize) {
    let said = format!("<strong>{letters}</strong> letters match");
    until(world, browser, "/letters", |page| page.text.contains(&said)).await;
}

// shows: B187
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_whose_desk_is_killed_is_ended_by_another_desk_and_sends_each_message_once() {
    const LETTERS: usize = 200;
    let world = dead_messages_at_once(LETTERS).await;
    let desk = world.desk_page().await;
    let mut browser = desk.plain_browser("anna").await;
    until_listed(&world, &mut browser, LETTERS).await;

    let job = retry_all(&mut browser, LETTERS).await;
    let begun = until(&world, &mut browser, &job, |page| decided(page) > 0).await;
    desk.kill();
    let other = world.desk_page().await;
    let mut browser = browser.moved_to(other.address());
    let left = browser.get(&job).await.check(200);
    let goes_on = until(&world, &mut browser, &job, |page| decided(page) > decided(&left)).await;
    let all = until(&world, &mut browser, &job, |page| decided(page) == LETTERS).await;
    let ended = until(&world, &mut browser, &job, |page| {
        !page.text.contains("data-refresh")
    })
    .await;

    begun.has("running</span>").has("data-refresh").has("Stop it");
    assert!((1..LETTERS).contains(&decided(&left)), "{}", decided(&left));
    left.has("running</span>").has("data-refresh");
    goes_on.lacks("It waits for a desk");
    all.has("200 of 200 letters are decided");
    ended
        .has("Job 1: retry <span class=\"tag\">done</span>")
        .has("done</span></td><td data-label=\"Letters\" class=\"number\">200</td>")
        .lacks("Stop it");
    each_guest_gets_one_message(&world, LETTERS).await;
    let retried = "SELECT count(*) AS count FROM audit WHERE action = 'letter_retried'";
    assert_eq!(world.database().count(retried).await, 200);
    world.desk("ledger check --margin 10s").await.check(0);
}
