//! A booking's page.

use domain::staff::{Access, Role};

use super::{Served, access};
use crate::bookings::booked;

const PAGE: &str = "/bookings/azure%2Dbay/BK%2D1001";

// shows: B203
#[tokio::test]
async fn a_booking_is_one_line_of_time_with_what_comes_and_what_does_not_and_why() {
    let served = Served::start_on(booked().await, &[]).await;
    let mut anna = served.member("anna", Access::ADMIN).await;

    let page = anna.get("/bookings/azure-bay/BK-1001").await.check(200);

    let page = page
        .has("The guest left the booking unfinished")
        .has("from direct");
    let (past, rest) = page.text.split_once(">Now<").unwrap();
    assert!(past.contains("First reminder: waits for its turn"), "{past}");
    assert!(rest.contains("Second reminder"), "{rest}");
    assert!(rest.contains("Sea view"), "{rest}");
    anna.get("/bookings/azure-bay/BK-0").await.check(404);
    anna.get("/bookings/nowhere/BK-1001").await.check(404);
}

// shows: B203, B117
#[tokio::test]
async fn one_value_is_revealed_alone_for_a_minute_and_the_audit_trail_says_which() {
    let served = Served::start_on(booked().await, &[]).await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let masked = anna.get(PAGE).await.check(200);
    masked
        .has("+30•••••••678")
        .lacks("Lovelace")
        .lacks("306912345678")
        .lacks("book.example/r");

    let phone = anna
        .post(&format!("{PAGE}/reveal"), &[("value", "phone")])
        .await
        .check(200);
    let phone = phone
        .has("+306912345678")
        .lacks("Lovelace")
        .lacks("book.example/r");
    assert_eq!(
        phone.headers["refresh"],
        "60; url=/bookings/azure%2Dbay/BK%2D1001"
    );
    let name = anna
        .post(&format!("{PAGE}/reveal"), &[("value", "name")])
        .await
        .check(200);
    name.has("Ada Lovelace").lacks("306912345678");
    anna.post(&format!("{PAGE}/reveal"), &[("value", "everything")])
        .await
        .check(404);

    anna.get(PAGE)
        .await
        .check(200)
        .lacks("Lovelace")
        .lacks("306912345678");
    let trail = anna.get("/audit?action=booking_revealed").await.check(200);
    assert_eq!(trail.text.matches("booking revealed</td>").count(), 2);
    let log = served.program.log();
    assert!(
        !log.contains("Lovelace") && !log.contains("306912345678"),
        "{log}"
    );
}

// shows: B201, T43
#[tokio::test]
async fn a_viewer_sees_a_booking_masked_and_another_resorts_booking_not_at_all() {
    let served = Served::start_on(booked().await, &[]).await;
    let mut eve = served.member("eve", access(Role::Viewer, &["azure-bay"])).await;
    let mut ben = served.member("ben", access(Role::Support, &["olive-hill"])).await;

    eve.get(PAGE).await.check(200).lacks("/reveal");
    eve.post(&format!("{PAGE}/reveal"), &[("value", "phone")])
        .await
        .check(403);
    ben.get(PAGE).await.check(404);
    ben.post(&format!("{PAGE}/reveal"), &[("value", "phone")])
        .await
        .check(404);
    let found = ben
        .post("/guests/find", &[("phone", "+306912345678")])
        .await
        .check(200);
    found.has("No guest with this number").lacks("BK-1001");
    let found = eve
        .post("/guests/find", &[("phone", "+306912345678")])
        .await
        .check(200);
    found.has(PAGE).lacks("306912345678");
}
