//! The owner's report as a page.

use domain::staff::{Access, Role};

use super::{Served, access};
use crate::bookings::booked;
use crate::report::MONTH;

/// As processor counts; the tables say otherwise.
const COUNTED_BEFORE: &str = "INSERT INTO report_present (resort, month, figures, counted_at) \
     SELECT 'azure-bay', date_trunc('month', now() AT TIME ZONE 'Europe/Athens'), \
     '{\"carts\": 9, \"reminded\": {\"guests\": 9, \"booked\": 7, \"sums\": {}}}', now()";

// shows: B261
#[tokio::test]
async fn the_report_shows_a_month_with_its_verdict_a_chart_and_the_same_numbers_in_tables() {
    let database = booked().await;
    database.execute(MONTH).await;
    let served = Served::start_on(database, &[]).await;
    let mut eve = served.member("eve", access(Role::Viewer, &["azure-bay"])).await;

    let page = eve.get("/report?resort=azure-bay").await.check(200);

    page.has("Too few to say")
        .has("reminded: 100 of 1000 booked (10.0%)")
        .has("not sent, held_out")
        .has("<svg class=\"chart\"")
        .lacks("style=")
        .lacks("broke a rule");
    let late = "UPDATE messages SET expires_at = claimed_at - interval '1 minute' WHERE booking_key = 'azure-bay/R-7'";
    served.database.execute(late).await;
    eve.get("/report?resort=azure-bay")
        .await
        .check(200)
        .has("href=\"/bookings/azure-bay/R-7\"");
    served.database.execute(COUNTED_BEFORE).await;
    eve.get("/report?resort=azure-bay")
        .await
        .check(200)
        .has("reminded: 7 of 9 booked")
        .has("and again each hour");
    eve.get("/").await.check(200).has("href=\"/report\"");
    eve.get("/report?month=2020-01")
        .await
        .check(200)
        .has("No reminder was due");
}

// shows: B261
#[tokio::test]
async fn a_member_sees_the_report_of_their_resorts_alone_and_a_wrong_address_is_refused() {
    let database = booked().await;
    database.execute(MONTH).await;
    let served = Served::start_on(database, &[]).await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let mut ben = served.member("ben", access(Role::Viewer, &["olive-hill"])).await;

    ben.get("/report")
        .await
        .check(200)
        .lacks("azure-bay")
        .lacks("1000");
    ben.get("/report?resort=azure-bay").await.check(404);
    anna.get("/report?resort=nowhere").await.check(404);
    anna.get("/report?month=soon").await.check(400);
}
