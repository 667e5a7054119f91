//! `desk webhook-out list`

use crate::bookings::booked;
use crate::program::desk;

/// A new one, one that a tool refused twice, and one of another resort.
const WAITING: &str = "INSERT INTO webhooks_out (resort, event, phone_hash, details, occurred_at, made_at, due_at, attempts, failures, last_error) VALUES \
     ('azure-bay', 'answered', '\\x0102', '{}', now(), '2026-11-29T10:00:00Z', '2026-11-29T10:00:00Z', 0, 0, NULL), \
     ('azure-bay', 'not_delivered', NULL, '{\"kind\": \"reminder_1\"}', now(), '2026-11-29T09:00:00Z', '2026-11-29T11:00:00Z', 2, 2, \
      'the receiver answered 500'), \
     ('olive-hill', 'alert', NULL, '{}', now(), '2026-11-29T08:00:00Z', '2026-11-29T08:00:00Z', 1, 1, 'no answer in time')";

// shows: B263
#[tokio::test]
async fn what_waits_for_a_tool_is_listed_with_its_tries_its_next_one_and_the_last_answer() {
    let database = booked().await;
    database.execute(WAITING).await;
    let database_url = database.url();
    let environment = [("DATABASE_URL", database_url.as_str())];
    let list = async |filters: &[&str]| {
        let arguments = [&["webhook-out", "list", "--json"], filters].concat();
        desk(&arguments, &environment, "").await.check(0).json()
    };

    let all = list(&[]).await;
    let retrying = list(&["--resort", "azure-bay", "--state", "retrying"]).await;
    let new = list(&["--state", "new"]).await;

    let events = |found: &serde_json::Value| -> Vec<String> {
        let found = found.as_array().unwrap().iter();
        found
            .map(|one| one["event"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(events(&all), ["alert", "not_delivered", "answered"]);
    assert_eq!(events(&new), ["answered"]);
    assert_eq!(events(&retrying), ["not_delivered"]);
    let one = &retrying[0];
    assert_eq!((&one["attempts"], &one["state"]), (&2.into(), &"retrying".into()));
    assert_eq!(one["next_attempt_at"], "2026-11-29T11:00:00Z");
    assert_eq!(one["last_error"], "the receiver answered 500");
    let text = desk(&["webhook-out", "list"], &environment, "").await;
    let text = &text.check(0).stdout;
    assert!(text.starts_with("MADE  "), "{text}");
    assert_eq!(text.lines().count(), 4);
    desk(&["webhook-out", "list", "--state", "dead"], &environment, "")
        .await
        .check(2);
}
