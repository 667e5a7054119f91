//! Answers as Meta's pages and files show them.

use serde_json::json;

use super::*;

/// Meta's page "Manage accounts".
#[test]
fn a_token_of_a_user_has_an_end_and_rights_over_some_accounts() {
    let published = json!({ "data": {
        "app_id": "670843887433847", "application": "JaspersMarket", "data_access_expires_at": 1_672_092_840,
        "expires_at": 1_665_090_000,
        "granular_scopes": [
            { "scope": "whatsapp_business_management", "target_ids": ["102289599326934", "101569239400667"] },
            { "scope": "whatsapp_business_messaging", "target_ids": ["102289599326934", "101569239400667"] }],
        "is_valid": true,
        "scopes": ["whatsapp_business_management", "whatsapp_business_messaging", "public_profile"],
        "type": "USER", "user_id": "10222270944537964" }});

    let facts = token_facts(&published).unwrap();

    assert!(facts.is_valid && facts.may(MESSAGING) && facts.may(MANAGEMENT));
    assert_eq!(facts.expires_at.unwrap().timestamp(), 1_665_090_000);
    assert_eq!(facts.app_id.as_deref(), Some("670843887433847"));
    assert_eq!(facts.kind.as_deref(), Some("USER"));
    assert!(facts.reaches(MESSAGING, "101569239400667"));
    assert!(!facts.reaches(MESSAGING, "1"));
}

#[test]
fn a_token_of_a_system_user_never_ends_and_an_invalid_one_says_its_code() {
    let system = json!({ "data": { "is_valid": true, "expires_at": 0, "data_access_expires_at": 0, "type": "SYSTEM_USER",
                                   "scopes": ["whatsapp_business_messaging"],
                                   "granular_scopes": [{ "scope": "whatsapp_business_messaging" }] }});
    let facts = token_facts(&system).unwrap();
    assert_eq!((facts.expires_at, facts.data_access_expires_at), (None, None));
    // Without target_ids a right is not limited.
    assert!(facts.reaches(MESSAGING, "102289599326934") && !facts.may(MANAGEMENT));

    let invalid = json!({ "data": { "error": { "code": 190, "message": "The access token could not be decrypted" },
                                    "is_valid": false, "scopes": [] }});
    let facts = token_facts(&invalid).unwrap();
    assert_eq!((facts.is_valid, facts.error_code), (false, Some(190)));
    assert_eq!(token_facts(&json!({ "data": [] })), None);
}

/// The docstring of pywa's `get_business_phone_number`, and Meta's page "Messaging limits".
#[test]
fn a_number_is_read_whatever_is_missing() {
    let published = json!({ "verified_name": "Test Number", "code_verification_status": "NOT_VERIFIED",
                            "display_phone_number": "+1 555-096-7852", "quality_rating": "GREEN",
                            "platform_type": "CLOUD_API", "throughput": { "level": "STANDARD" },
                            "id": "277321005464405" });

    let facts = number_facts(&published);

    assert_eq!(facts.verified_name.as_deref(), Some("Test Number"));
    assert_eq!(facts.throughput.as_deref(), Some("STANDARD"));
    assert_eq!(facts.status, None);
    assert_eq!(
        number_facts(&json!({ "id": 1, "status": null, "throughput": 5 })),
        NumberFacts::default()
    );
    let limit = json!({ "whatsapp_business_manager_messaging_limit": "TIER_250", "id": "106540352242922" });
    assert_eq!(
        more_of_number(&limit).messaging_limit.as_deref(),
        Some("TIER_250")
    );
}

/// Meta's pages "Webhooks overrides" and "Health status".
#[test]
fn the_callback_of_the_number_comes_before_the_accounts_and_the_apps() {
    let mut answer = json!({ "webhook_configuration": {
        "phone_number": "https://my-phone-alternate-callback.com/webhook",
        "whatsapp_business_account": "https://my-waba-alternate-callback.com/webhook",
        "application": "https://my-production-callback.com/webhook" }, "id": "106540352242922" });
    let in_force = |answer: &serde_json::Value| {
        let more = more_of_number(answer);
        more.callbacks.in_force().map(str::to_owned)
    };

    for (key, expected) in [
        (
            "phone_number",
            Some("https://my-phone-alternate-callback.com/webhook"),
        ),
        (
            "whatsapp_business_account",
            Some("https://my-waba-alternate-callback.com/webhook"),
        ),
        ("application", Some("https://my-production-callback.com/webhook")),
        ("", None),
    ] {
        assert_eq!(in_force(&answer).as_deref(), expected);
        answer["webhook_configuration"]
            .as_object_mut()
            .unwrap()
            .remove(key);
    }
    let blocked = json!({ "health_status": { "can_send_message": "BLOCKED", "entities": [
        { "entity_type": "PHONE_NUMBER", "id": "106540352242922", "can_send_message": "AVAILABLE" },
        { "entity_type": "WABA", "id": "102290129340398", "can_send_message": "BLOCKED", "errors": [
            { "error_code": 141_006, "error_description": "There is an error with the payment method.",
              "possible_solution": "Add a payment method." }] }] }});
    let health = more_of_number(&blocked).health;
    assert_eq!((health.len(), health[1].can_send.as_str()), (2, "BLOCKED"));
    assert_eq!(
        health[1].errors,
        [(
            Some(141_006),
            "There is an error with the payment method. Add a payment method.".to_owned()
        )]
    );
}

#[test]
fn subscribed_apps_are_read_and_an_empty_list_is_one() {
    let published = json!({ "data": [{ "whatsapp_business_api_data": {
        "link": "https://www.facebook.com/games/?app_id=67084...", "name": "Jaspers Market", "id": "670843887433847" } }]});

    let apps = subscribed_apps(&published).unwrap();

    assert_eq!((apps.len(), apps[0].id.as_deref()), (1, Some("670843887433847")));
    assert_eq!(subscribed_apps(&json!({ "data": [] })), Some(Vec::new()));
    assert_eq!(subscribed_apps(&json!({ "success": true })), None);
}
