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
    assert_eq!(json["total"]["figures"], part["figures"]);
    let stdout = &text.check(0).stdout;
    for said in [
        "Too few to say",
        "10.0% of the reminded guests booked within 7 days, and 5.0% of those who were held out.",
        "about 2845 carts are needed",
        "Last touch, as others count: 100 reminded guests booked",
        "The guest is in the hold-out",
    ] {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    let month = json["month"].as_str().unwrap();
    let stdout = &csv.check(0).stdout;
    for line in [
        "verdict,,too_few",
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
