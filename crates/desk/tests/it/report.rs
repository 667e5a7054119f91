//! `desk report`

use testkit::database::Database;

use crate::bookings::booked;
use crate::program::{CONFIG, Ended, KEYS, desk};

/// Of 1,000 guests who were reminded 100 booked, of 100 who were held out 5; the facts of none can be read, so there are no sums.
pub(crate) const MONTH: &str = "INSERT INTO bookings (key, resort, id, status, sealed_facts, version, stands, phone_hash, tells_of_guest, \
         confirmed_at) \
     SELECT 'azure-bay/R-' || n, 'azure-bay', 'R-' || n, 'abandoned', '', 1, n <= 100 OR n > 1095, convert_to('guest ' || n, 'UTF8'), true, \
         now() - interval '1 minute' \
     FROM generate_series(1, 1100) n; \
     INSERT INTO messages (id, booking_key, kind, round, basis_at, state, reason, due_at, expires_at, claimed_at, called_from, sent_at) \
     SELECT ('ffffffff' || substr(gen_random_uuid()::text, 9))::uuid, 'azure-bay/R-' || n, 'reminder_1', 0, now() - interval '2 minutes', \
         CASE WHEN n > 1000 THEN 'skipped' WHEN n % 2 = 0 THEN 'read' ELSE 'delivered' END, \
         CASE WHEN n > 1000 THEN 'held_out' END, now(), now(), \
         CASE WHEN n <= 1000 THEN now() END, CASE WHEN n <= 1000 THEN '106540352242922' END, \
         CASE WHEN n <= 1000 THEN now() END \
     FROM generate_series(1, 1100) n";

async fn report(database: &Database, arguments: &[&str]) -> Ended {
    let database_url = database.url();
    let environment = [
        ("DATABASE_URL", database_url.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
        ("BELLHOP_KEYS", KEYS),
    ];
    desk(&[&["report"], arguments].concat(), &environment, "").await
}

/// The month in which [`MONTH`] happens at the resort.
async fn month(database: &Database) -> String {
    let json = report(database, &["--resort", "azure-bay", "--json"])
        .await
        .json();
    json["month"].as_str().unwrap().to_owned()
}

// shows: B216
#[tokio::test]
async fn a_month_is_reported_as_text_csv_and_json_with_the_same_figures() {
    let database = booked().await;
    database
        .execute("UPDATE messages SET basis_at = basis_at - interval '1 year'")
        .await;
    database.execute(MONTH).await;

    let json = report(&database, &["--resort", "azure-bay", "--json"])
        .await
        .json();
    let text = report(&database, &["--resort", "azure-bay"]).await;
    let csv = report(&database, &["--resort", "azure-bay", "--csv"]).await;

    let part = &json["resorts"][0];
    assert_eq!(part["figures"]["carts"], 1_100);
    assert_eq!(part["figures"]["reminded"]["guests"], 1_000);
    assert_eq!(part["figures"]["reminded"]["booked"], 100);
    assert_eq!(part["figures"]["held_out"]["booked"], 5);
    assert_eq!(part["figures"]["read"], 500);
    // 10 % and 5 %, with 100 guests held out: Newcombe's interval reaches 0.
    assert_eq!(part["comparison"]["verdict"], "too_few");
    assert_eq!(part["comparison"]["carts_needed"], 2_845);
    assert_eq!(part["figures"]["breaches"], serde_json::json!({}));
    assert_eq!(json["total"]["figures"], part["figures"]);
    let stdout = &text.check(0).stdout;
    for said in [
        "Too few to say",
        "10.0% of the reminded guests booked within 7 days, and 5.0% of those who were held out.",
        "takes about 2845 carts at this share, and 1100 were compared: 3 months like this one",
        "Last touch, as others count: 100 reminded guests booked",
        "The guest is in the hold-out",
    ] {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    let month = json["month"].as_str().unwrap();
    let stdout = &csv.check(0).stdout;
    for line in [
        "verdict,,too_few",
        "breaches,,0",
        "reminded_booked,,100",
        "not_sent,held_out,100",
    ] {
        let line = format!("{month},azure-bay,{line}\n");
        assert!(stdout.contains(&line), "{line}: {stdout}");
    }
}

#[tokio::test]
async fn a_month_without_carts_says_so_and_a_wrong_month_or_resort_is_refused() {
    let database = booked().await;

    let empty = report(&database, &["--month", "2020-01"]).await;

    let stdout = &empty.check(0).stdout;
    assert!(stdout.contains("Nothing to compare with"), "{stdout}");
    assert!(stdout.contains("No reminder was due."), "{stdout}");
    report(&database, &["--month", "2020-13"]).await.check(2);
    report(&database, &["--resort", "nowhere"]).await.check(1);
    report(&database, &["--csv", "--json"]).await.check(2);
}

// shows: B260
#[tokio::test]
async fn a_final_month_is_shown_as_it_was_frozen() {
    let database = booked().await;
    let month = month(&database).await;
    database
        .execute(&format!(
            "INSERT INTO report_months (resort, month, figures) VALUES ('azure-bay', '{month}-01', \
             '{{\"carts\": 7, \"reminded\": {{\"guests\": 5, \"booked\": 2, \"sums\": {{\"EUR\": \"1240.00\"}}}}}}')"
        ))
        .await;

    let text = report(&database, &["--resort", "azure-bay", "--month", &month]).await;

    let stdout = &text.check(0).stdout;
    assert!(stdout.contains("final since"), "{stdout}");
    assert!(stdout.contains("1240.00 EUR"), "{stdout}");
    assert!(stdout.contains("No guest was held out"), "{stdout}");
}

/// Four months in which the same happened.
const QUARTER: &str = "INSERT INTO report_months (resort, month, figures) \
     SELECT 'azure-bay', month::date, '{\"carts\": 250, \"reminded\": {\"guests\": 200, \"booked\": 24, \"sums\": {}}, \
         \"held_out\": {\"guests\": 50, \"booked\": 2, \"sums\": {}}}' \
     FROM generate_series('2025-09-01'::timestamptz, '2025-12-01', '1 month') month";

// shows: B218, B262
#[tokio::test]
async fn final_months_that_are_too_small_alone_say_together_what_they_show() {
    let database = booked().await;
    database.execute(QUARTER).await;

    let json = report(
        &database,
        &["--resort", "azure-bay", "--month", "2025-12", "--json"],
    )
    .await
    .json();

    let part = &json["resorts"][0];
    assert_eq!(part["comparison"]["verdict"], "too_few");
    assert_eq!(json["final_months"]["months"], 4);
    assert_eq!(json["final_months"]["comparison"]["verdict"], "more");
    // They were made final by a version that did not count them.
    assert!(part["figures"]["breaches"].is_null(), "{part}");
    let first = report(
        &database,
        &["--resort", "azure-bay", "--month", "2025-09", "--json"],
    );
    assert!(first.await.json()["final_months"].is_null());
}

// shows: B218
#[tokio::test]
async fn a_call_that_broke_a_rule_is_named_with_its_booking() {
    let database = booked().await;
    database.execute(MONTH).await;
    database
        .execute("UPDATE messages SET expires_at = claimed_at - interval '1 minute' WHERE booking_key = 'azure-bay/R-7'")
        .await;

    let json = report(&database, &["--resort", "azure-bay", "--json"])
        .await
        .json();
    let text = report(&database, &["--resort", "azure-bay"]).await;

    assert_eq!(
        json["resorts"][0]["figures"]["breaches"],
        serde_json::json!({ "too_late": 1 })
    );
    assert_eq!(json["broken"].as_array().unwrap().len(), 1);
    let broken = &json["broken"][0];
    assert_eq!(
        (&broken["rule"], &broken["booking"]),
        (&"too_late".into(), &"R-7".into())
    );
    assert!(
        text.check(0).stdout.contains("azure-bay/R-7  reminder_1"),
        "{text:?}"
    );
}
