//! Questions about our own account, over real HTTP: what is asked, and what an answer that is none means.

use domain::ids::NumberId;
use whatsapp::answer::NotRead;
use whatsapp::client::{Client, DEFAULT_TIMEOUT};

use crate::server::{Reply, Server};

const TOKEN: &str = "EAAJB+secret/=";

fn client(server: &Server) -> Client {
    Client::new(&server.url, "v25.0", DEFAULT_TIMEOUT).unwrap()
}

/// What a token's question leads to when this is answered.
async fn asked(reply: Reply) -> (Result<bool, NotRead>, Vec<String>) {
    let server = Server::start(reply).await;
    let facts = client(&server).token_facts(TOKEN).await;
    let requests = server.seen().requests.clone();
    (facts.map(|facts| facts.is_valid), requests)
}

#[tokio::test]
async fn a_token_is_asked_about_once_with_itself() {
    let (valid, requests) = asked(Reply::http(200, "", r#"{"data":{"is_valid":true}}"#)).await;

    assert_eq!(valid, Ok(true));
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert!(
        request.starts_with("GET /v25.0/debug_token?input_token=EAAJB%2Bsecret%2F%3D HTTP/1.1"),
        "{request}"
    );
    assert!(
        request.contains(&format!("authorization: Bearer {TOKEN}")),
        "{request}"
    );
}

#[tokio::test]
async fn a_refusal_has_its_code_and_what_is_not_whatsapps_its_description() {
    let refused = r#"{"error":{"message":"Error validating access token","code":190,"error_subcode":463,"fbtrace_id":"A1"}}"#;
    let (refusal, _) = asked(Reply::http(401, "", refused)).await;
    assert_eq!(
        refusal,
        Err(NotRead::Refused {
            code: 190,
            subcode: Some(463),
            fbtrace_id: Some("A1".to_owned())
        })
    );

    let seen = |text: &str| Err(NotRead::NotWhatsApps(text.to_owned()));
    let page = Reply::http(403, "Content-Type: text/html\r\nServer: squid/5.7\r\n", "<html>");
    assert_eq!(asked(page).await.0, seen("HTTP 403, text/html, squid/5.7"));
    assert_eq!(asked(Reply::http(200, "", "[]")).await.0, seen("HTTP 200"));
    assert_eq!(
        asked(Reply::http(200, "", "{}")).await.0,
        seen("it is not a token's facts")
    );
    let moved = Reply::http(302, "Location: http://127.0.0.1:1/\r\n", "");
    assert_eq!(asked(moved).await.0, seen("HTTP 302"));
    let broken = Reply::BytesAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec());
    assert_eq!(asked(broken).await.0, Err(NotRead::NoAnswer));
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    let (too_long, _) = asked(Reply::http(200, "", &huge)).await;
    assert_eq!(too_long, seen("it is not an answer of at most 1 MiB"));
}

#[tokio::test]
async fn a_token_that_fits_into_no_header_is_never_sent() {
    let server = Server::start(Reply::http(200, "", "{}")).await;

    let answer = client(&server).token_facts("line\nbreak").await;

    assert!(
        matches!(answer, Err(NotRead::Refused { code: 0, .. })),
        "{answer:?}"
    );
    assert_eq!(server.seen().requests.len(), 0);
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_one_ends_the_list() {
    let page =
        r#"{"data":[{"name":"a","language":"en"}],"paging":{"cursors":{"after":"QQ"},"next":"https://x"}}"#;
    let server = Server::start(Reply::http(200, "", page)).await;

    let templates = client(&server).templates("1", TOKEN).await.unwrap();

    assert_eq!(templates.len(), 2);
    let requests = server.seen().requests.clone();
    assert!(
        !requests[0].contains("after=") && requests[1].contains("&after=QQ "),
        "{requests:?}"
    );
}

#[tokio::test]
async fn the_number_is_asked_for_fields_of_its_own() {
    let server = Server::start(Reply::http(200, "", r#"{"id":"1"}"#)).await;
    let number = NumberId::parse("106540352242922").unwrap();

    client(&server).number_facts(&number, TOKEN).await.unwrap();

    let requests = server.seen().requests.clone();
    let asked = "GET /v25.0/106540352242922?fields=id%2Cdisplay_phone_number%2Cverified_name";
    assert!(requests[0].starts_with(asked), "{requests:?}");
}
