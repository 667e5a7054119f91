//! News of the business account, of its numbers and of its templates: bad news alone is an alert, once.

use crypto::signature::sign_github;
use serde_json::{Value, json};
use testkit::world::{ResortFile, World};

/// A notification of these changes, signed as WhatsApp signs, and taken.
async fn notify(world: &World, changes: &[Value]) {
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "time": 1_790_000_000, "changes": changes }],
    });
    let body = body.to_string();
    let signature = sign_github(world.variable("WHATSAPP_APP_SECRETS"), body.as_bytes());
    let addresses = world.addresses();
    let (_, ingest) = addresses.iter().find(|(name, _)| name == "ingest").unwrap();
    let answer = reqwest::Client::new()
        .post(format!("http://{ingest}/webhooks/whatsapp"))
        .header("x-hub-signature-256", signature)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

fn account(value: Value) -> Value {
    json!({ "field": "account_update", "value": value })
}

fn template(field: &str, name: &str, more: &str, word: &str) -> Value {
    json!({ "field": field, "value": { "message_template_id": 1, "message_template_name": name,
                                       "message_template_language": "en_US", more: word } })
}

// shows: B83
#[tokio::test(flavor = "multi_thread")]
async fn bad_news_is_one_alert_that_names_what_it_is_about_and_other_news_is_none() {
    let world = World::start(&ResortFile::patient()).await;
    let restriction = account(json!({
        "event": "ACCOUNT_RESTRICTION",
        "restriction_info": [{ "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_790_259_200 }],
    }));
    let flagged = json!({ "field": "phone_number_quality_update",
                          "value": { "display_phone_number": "15550100200", "event": "FLAGGED" } });
    let marketing = template(
        "template_category_update",
        "confirmed",
        "new_category",
        "MARKETING",
    );
    let harmless = [
        account(json!({ "event": "AD_ACCOUNT_LINKED" })),
        account(json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "REINSTATE" } })),
        account(json!({ "event": "VOLUME_BASED_PRICING_TIER_UPDATE" })),
        template("message_template_status_update", "confirmed", "event", "APPROVED"),
    ];

    notify(&world, &[restriction.clone(), flagged, marketing]).await;
    notify(&world, &[&[restriction], harmless.as_slice()].concat()).await;
    // What comes last is handled last.
    notify(&world, &[account(json!({ "event": "MM_LITE_TERMS_SIGNED" }))]).await;
    let logs = world
        .until("the last news is told", async || {
            Some(world.logs()).filter(|logs| logs.contains("MM_LITE_TERMS_SIGNED"))
        })
        .await;

    let told = |words: &[&str]| {
        let lines = logs.lines();
        let fitting = lines.filter(|line| words.iter().all(|word| line.contains(word)));
        fitting.count()
    };
    let alerts = |words: &[&str]| told(&[&["\"alert\":\"", "WhatsApp reports a "], words].concat());
    assert_eq!(alerts(&[]), 3, "{logs}");
    let account = [
        "102290129340398",
        "ACCOUNT_RESTRICTION",
        "RESTRICTED_BIZ_INITIATED_MESSAGING until 2026-09-2",
    ];
    assert_eq!(alerts(&account), 1);
    assert_eq!(alerts(&["15550100200", "FLAGGED"]), 1);
    assert_eq!(alerts(&["confirmed", "en_US", "MARKETING"]), 1);
    for word in [
        "AD_ACCOUNT_LINKED",
        "REINSTATE",
        "VOLUME_BASED_PRICING_TIER_UPDATE",
        "APPROVED",
    ] {
        assert_eq!(told(&["WhatsApp reports a ", word]), 1, "{word}");
    }
}
