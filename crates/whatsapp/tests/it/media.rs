//! Fetching a guest's file, over real HTTP: what is asked of whom, and what ends it.

use serde_json::json;
use url::Url;
use whatsapp::answer::NotRead;
use whatsapp::client::{Client, DEFAULT_TIMEOUT, LARGEST_FILE, MediaFile, NotFetched};

use crate::server::{Reply, Server};

const ID: &str = "1003383421387256";
const TOKEN: &str = "EAAJB+secret/=";

/// What fetching leads to where `address` names the file's address by the server's, and the file is answered so.
async fn fetched(
    address: fn(&Url) -> String,
    size: usize,
    file: Reply,
) -> (Result<MediaFile, NotFetched>, Vec<String>) {
    let server = Server::answering(move |own, request| {
        if !request.starts_with(&format!("GET /v25.0/{ID} ")) {
            return file.clone();
        }
        let facts = json!({
            "messaging_product": "whatsapp", "url": address(own), "mime_type": "image/jpeg",
            "sha256": "0".repeat(64), "file_size": size, "id": ID,
        });
        Reply::http(200, "", &facts.to_string())
    })
    .await;
    let client = Client::new(&server.url, "v25.0", DEFAULT_TIMEOUT).unwrap();
    let media = client.media(ID, TOKEN).await;
    let requests = server.seen().requests.clone();
    (media, requests)
}

fn here(own: &Url) -> String {
    format!("{own}whatsapp_business/attachments/?mid={ID}")
}

#[tokio::test]
async fn a_file_is_fetched_in_two_questions_with_the_same_token() {
    let (media, requests) = fetched(here, 4, Reply::http(200, "", "\u{7f}PNG")).await;

    let media = media.unwrap();
    assert_eq!(
        (media.mime_type.as_deref(), &*media.bytes),
        (Some("image/jpeg"), &b"\x7fPNG"[..])
    );
    assert!(!format!("{media:?}").contains("PNG"));
    let [_, file] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let asked = format!("GET /whatsapp_business/attachments/?mid={ID} HTTP/1.1");
    assert!(file.starts_with(&asked), "{file}");
    let token = format!("authorization: Bearer {TOKEN}");
    assert!(requests.iter().all(|request| request.contains(&token)));
}

// shows: T44
#[tokio::test]
async fn another_server_is_never_called_neither_by_its_address_nor_by_a_redirect() {
    let other = Server::start(Reply::http(200, "", "x")).await;
    let file = Reply::http(200, "", "x");

    let (foreign, requests) = fetched(|_| "https://evil.example/".to_owned(), 1, file).await;
    let location = format!("Location: {}\r\n", other.url);
    let (nowhere, _) = fetched(|_| "x".to_owned(), 1, Reply::http(200, "", "x")).await;
    let (moved, _) = fetched(here, 1, Reply::http(302, &location, "")).await;

    assert!(matches!(foreign, Err(NotFetched::ForeignHost)), "{foreign:?}");
    assert_eq!(requests.len(), 1);
    let why = "the answer is not WhatsApp's: it is not a file's address";
    assert_eq!(nowhere.unwrap_err().to_string(), why);
    assert!(matches!(moved, Err(NotFetched::Status(302))), "{moved:?}");
    assert_eq!(other.seen().connections, 0);
}

// shows: T44
#[tokio::test]
async fn a_file_that_is_too_large_ends_by_its_size_or_by_its_bytes() {
    let (told, requests) = fetched(here, LARGEST_FILE + 1, Reply::http(200, "", "x")).await;
    let head = b"HTTP/1.1 200 OK\r\n\r\n";
    let body = |size| Reply::BytesAndClose([&head[..], &vec![b'x'; size]].concat());
    let (counted, _) = fetched(here, 1, body(LARGEST_FILE + 1)).await;
    let (largest, _) = fetched(here, 1, body(LARGEST_FILE)).await;

    assert!(matches!(told, Err(NotFetched::TooLarge)), "{told:?}");
    assert_eq!(requests.len(), 1);
    assert!(matches!(counted, Err(NotFetched::TooLarge)), "{counted:?}");
    assert_eq!(largest.unwrap().bytes.len(), LARGEST_FILE);
}

#[tokio::test]
async fn what_whatsapp_does_not_know_any_more_is_gone_and_a_refused_token_says_so() {
    let (gone, _) = fetched(here, 1, Reply::http(404, "", "")).await;
    assert!(matches!(gone, Err(NotFetched::Gone)), "{gone:?}");
    let (broken, _) = fetched(
        here,
        1,
        Reply::BytesAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec()),
    )
    .await;
    assert!(
        matches!(broken, Err(NotFetched::NotRead(NotRead::NoAnswer))),
        "{broken:?}"
    );

    let asked = async |status, code: i64, id: &str| {
        let refusal = json!({ "error": { "message": "no", "code": code, "error_subcode": 33 } });
        let server = Server::start(Reply::http(status, "", &refusal.to_string())).await;
        let client = Client::new(&server.url, "v25.0", DEFAULT_TIMEOUT).unwrap();
        let error = client.media(id, TOKEN).await.unwrap_err();
        let requests = server.seen().requests.len();
        (error.to_string(), requests)
    };
    let unknown = NotFetched::Gone.to_string();
    assert_eq!(asked(400, 100, ID).await, (unknown.clone(), 1));
    assert_eq!(
        asked(401, 190, ID).await,
        ("WhatsApp refuses with code 190".to_owned(), 1)
    );
    assert_eq!(asked(200, 0, "..").await, (unknown, 0));
}
