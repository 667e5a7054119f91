//! A list of templates as Meta's pages show it.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Meta's page "Template API", with a header that is an image and a button that takes a code.
#[test]
fn templates_are_read_with_their_variables_buttons_and_cursor() {
    let mut published = json!({ "data": [
        { "name": "order_delivery", "parameter_format": "NAMED", "language": "en", "status": "APPROVED",
          "category": "UTILITY", "id": "1", "message_send_ttl_seconds": 43_200, "components": [
            { "type": "HEADER", "format": "TEXT", "text": "{{order_type}} Update" },
            { "type": "BODY", "text": "Good news! Your order #{{order_id}} is on its way, {{customer_name}}! {{order_id}}" },
            { "type": "FOOTER", "text": "Footer" },
            { "type": "BUTTONS", "buttons": [
                { "type": "URL", "text": "View", "url": "https://example.com/bookings/{{1}}" },
                { "type": "URL", "text": "Shop", "url": "https://example.com/" },
                { "type": "QUICK_REPLY", "text": "On my way" }, { "type": "COPY_CODE", "example": "25OFF" }] }] },
        { "name": "weekend_sale", "language": "pt_BR", "status": "rejected", "category": "MARKETING", "components": [
            { "type": "HEADER", "format": "IMAGE" }, { "type": "BODY", "text": "Sale!" }, { "type": "CAROUSEL", "cards": [] }] },
        { "language": "en" }, 5],
        "paging": { "cursors": { "before": "MAZDZD", "after": "MjQZD" }, "next": "https://graph.facebook.com/v25.0/…" }});

    let read = page(&published).unwrap();

    assert_eq!((read.templates.len(), read.next.as_deref()), (2, Some("MjQZD")));
    let (first, second) = (&read.templates[0], &read.templates[1]);
    assert_eq!(first.header, Header::Text(names(&["order_type"])));
    assert_eq!(first.body, names(&["order_id", "customer_name"]));
    assert_eq!(
        first.buttons,
        [
            Button::Url { has_variable: true },
            Button::Url { has_variable: false },
            Button::QuickReply,
            Button::NeedsParameter("COPY_CODE".to_owned())
        ]
    );
    assert_eq!(first.time_to_live, Some(43_200));
    assert_eq!(first.text.header.as_deref(), Some("{{order_type}} Update"));
    assert!(first.text.body.starts_with("Good news! Your order #{{order_id}}"));
    assert_eq!(first.text.footer.as_deref(), Some("Footer"));
    let button = |index: usize| {
        (
            first.text.buttons[index].label.as_str(),
            first.text.buttons[index].url.as_deref(),
        )
    };
    assert_eq!(button(0), ("View", Some("https://example.com/bookings/{{1}}")));
    assert_eq!(button(2), ("On my way", None));
    assert_eq!(second.text.header, None, "an image has no words");
    assert_eq!(second.status, "REJECTED");
    assert_eq!(second.header, Header::Media("IMAGE".to_owned()));
    assert_eq!(second.other_components, ["CAROUSEL"]);
    published["paging"].as_object_mut().unwrap().remove("next");
    assert_eq!(
        page(&published).unwrap().next,
        None,
        "the last page has a cursor too"
    );
}
