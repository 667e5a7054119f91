//! A file that a guest sends, as Meta's page "Media" has it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{CallbackServer, GUEST, NUMBER, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_notified_of_by_its_id_and_fetched_with_the_token_alone() {
    let callback = CallbackServer::start(&[]).await;
    let world = World::notifying(&callback);
    let media =
        json!({ "type": "image", "mime_type": "image/png", "base64": "iVBORw==", "caption": "our room" });
    let sent = json!({ "from": GUEST, "phone_number_id": NUMBER, "media": media });

    let (status, answer) = world.post("/sandbox/inbound", sent).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let changes = callback.changes(1).await;
    let message = &changes[0]["value"]["messages"][0];
    let id = message["image"]["id"].as_str().unwrap();
    let (_, facts) = world
        .call(Method::GET, &format!("/v25.0/{id}"), &Value::Null)
        .await;
    let url = facts["url"].as_str().unwrap();
    let file = world.client().get(url).bearer_auth("token");
    let file = file.send().await.unwrap();
    let open = world.client().get(url).send().await.unwrap();

    assert_eq!(message["type"], "image");
    let expected = json!({ "mime_type": "image/png", "id": id, "caption": "our room" });
    assert_eq!(message["image"], expected);
    assert_eq!(
        (&facts["mime_type"], &facts["file_size"]),
        (&json!("image/png"), &json!(4))
    );
    assert_eq!(file.headers()["content-type"], "image/png");
    assert_eq!(&*file.bytes().await.unwrap(), b"\x89PNG");
    assert_eq!(open.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_refused() {
    let world = World::start(|_| {});
    let media = json!({ "type": "image", "mime_type": "image/png", "base64": "%" });

    let (status, answer) = world
        .post(
            "/sandbox/inbound",
            json!({ "from": GUEST, "phone_number_id": NUMBER, "media": media }),
        )
        .await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .starts_with("base64: is not base64"),
        "{answer}"
    );
}
