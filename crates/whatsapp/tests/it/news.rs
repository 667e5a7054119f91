//! Updates about accounts, numbers and templates, in the shapes of Meta's examples, and what each means for
//! sending.

use serde_json::{Value, json};
use whatsapp::notification::{Assessment, Update, parse};

use Assessment::{Bad, Good, Neutral};

fn read(field: &str, value: &Value) -> Update {
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "time": 1_743_451_903,
                    "changes": [{ "field": field, "value": value }] }],
    });
    parse(body.to_string().as_bytes()).unwrap().remove(0)
}

fn assessment(field: &str, value: &Value) -> Assessment {
    match read(field, value) {
        Update::Template(template) => template.assessment(),
        Update::Number(number) => number.assessment(),
        Update::Account(account) => account.assessment(),
        other => panic!("{field}: {other:?}"),
    }
}

fn check(field: &str, cases: &[(Value, Assessment)]) {
    for (value, expected) in cases {
        assert_eq!(assessment(field, value), *expected, "{field} {value}");
    }
}

// shows: B83
#[test]
fn each_update_of_an_account_that_meta_publishes_has_an_assessment() {
    let partner = json!({ "waba_id": "980198427658004", "owner_business_id": "2329417887457253" });
    let event = |event: &str| json!({ "event": event, "waba_info": partner });
    let ban = |state: &str| {
        json!({ "event": "DISABLED_UPDATE",
                "ban_info": { "waba_ban_state": state, "waba_ban_date": "April 17, 2025" } })
    };
    let certified = |status: &str| {
        json!({ "event": "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
                "partner_client_certification_info": { "client_business_id": "2729063490586005", "status": status,
                                                       "rejection_reasons": ["NONE"] } })
    };
    check(
        "account_update",
        &[
            (event("ACCOUNT_DELETED"), Bad),
            (event("ACCOUNT_OFFBOARDED"), Bad),
            (event("ACCOUNT_RECONNECTED"), Good),
            (event("ACCOUNT_RESTRICTION"), Bad),
            (event("ACCOUNT_VIOLATION"), Bad),
            (event("AD_ACCOUNT_LINKED"), Neutral),
            (event("AUTH_INTL_PRICE_ELIGIBILITY_UPDATE"), Neutral),
            (event("BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE"), Neutral),
            (event("MM_LITE_TERMS_SIGNED"), Neutral),
            (event("PARTNER_ADDED"), Neutral),
            (event("PARTNER_APP_INSTALLED"), Neutral),
            (event("PARTNER_APP_UNINSTALLED"), Bad),
            (event("PARTNER_REMOVED"), Bad),
            (event("VOLUME_BASED_PRICING_TIER_UPDATE"), Neutral),
            (event("VERIFIED_ACCOUNT"), Neutral),
            (ban("DISABLE"), Bad),
            (ban("SCHEDULE_FOR_DISABLE"), Bad),
            (ban("REINSTATE"), Good),
            (event("DISABLED_UPDATE"), Bad),
            (certified("APPROVED"), Neutral),
            (certified("PENDING"), Neutral),
            (certified("FAILED"), Bad),
            (certified("REVOKED"), Bad),
            (event("A_NAME_OF_NEXT_YEAR"), Bad),
            (json!({}), Bad),
        ],
    );
    let decided = |decision: &str| json!({ "decision": decision });
    check(
        "account_review_update",
        &[
            (decided("APPROVED"), Good),
            (decided("REJECTED"), Bad),
            (decided("DEFERRED"), Bad),
            (decided("PENDING"), Neutral),
        ],
    );
    let capability =
        json!({ "max_daily_conversations_per_business": "TIER_2K", "max_phone_numbers_per_business": 25 });
    check("business_capability_update", &[(capability, Neutral)]);
}

#[test]
fn an_alert_is_found_at_both_places_where_meta_puts_it() {
    let alert =
        |kind: &str| json!({ "alert_severity": "WARNING", "alert_status": "ACTIVE", "alert_type": kind });
    let nested =
        |kind: &str| json!({ "entity_type": "PHONE_NUMBER", "entity_id": "1", "alert_info": alert(kind) });
    for (kind, expected) in [
        ("INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED", Neutral),
        ("INCREASED_CAPABILITIES_ELIGIBILITY_FAILED", Bad),
        ("INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO", Bad),
        ("OBA_APPROVED", Neutral),
        ("OBA_REJECTED", Neutral),
        ("PROFILE_PICTURE_LOST", Neutral),
        ("A_NAME_OF_NEXT_YEAR", Bad),
    ] {
        check(
            "account_alerts",
            &[(alert(kind), expected), (nested(kind), expected)],
        );
    }
}

#[test]
fn each_update_of_a_number_that_meta_publishes_has_an_assessment() {
    let event = |event: &str| json!({ "display_phone_number": "15550100200", "event": event, "current_limit": "TIER_1K" });
    check(
        "phone_number_quality_update",
        &[
            (event("ONBOARDING"), Good),
            (event("THROUGHPUT_UPGRADE"), Good),
            (event("UPGRADE"), Good),
            (event("UNFLAGGED"), Good),
            (event("DOWNGRADE"), Bad),
            (event("FLAGGED"), Bad),
            (event("A_NAME_OF_NEXT_YEAR"), Bad),
        ],
    );
    let named = |decision: &str| json!({ "display_phone_number": "15550100200", "decision": decision, "requested_verified_name": "Azure Bay" });
    check(
        "phone_number_name_update",
        &[
            (named("APPROVED"), Good),
            (named("DEFERRED"), Neutral),
            (named("PENDING"), Neutral),
            (named("REJECTED"), Bad),
        ],
    );
}

fn of_template(more: &Value) -> Value {
    let mut value = json!({
        "message_template_id": 1_700_000_000_000_001_u64,
        "message_template_name": "cart_reminder_1",
        "message_template_language": "en_US",
    });
    let members = more.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(members);
    value
}

#[test]
fn each_state_and_quality_of_a_template_has_an_assessment() {
    let state = |event: &str| of_template(&json!({ "event": event, "reason": "NONE" }));
    let states = [
        ("APPROVED", Good),
        ("ARCHIVED", Bad),
        ("DELETED", Bad),
        ("DISABLED", Bad),
        ("FLAGGED", Bad),
        ("IN_APPEAL", Neutral),
        ("LIMIT_EXCEEDED", Bad),
        ("LOCKED", Neutral),
        ("PAUSED", Bad),
        ("PENDING", Neutral),
        ("PENDING_DELETION", Bad),
        ("REINSTATED", Good),
        ("REJECTED", Bad),
        ("UNARCHIVED", Good),
        ("A_NAME_OF_NEXT_YEAR", Bad),
    ];
    let states = states.map(|(event, expected)| (state(event), expected));
    check("message_template_status_update", &states);
    let quality =
        |score: &str| of_template(&json!({ "previous_quality_score": "GREEN", "new_quality_score": score }));
    check(
        "message_template_quality_update",
        &[
            (quality("GREEN"), Neutral),
            (quality("YELLOW"), Neutral),
            (quality("RED"), Bad),
            (quality("UNKNOWN"), Neutral),
        ],
    );
}

// shows: B83
#[test]
fn a_template_that_becomes_marketing_is_bad_news_also_while_it_is_only_announced() {
    let done = |from: &str, to: &str| of_template(&json!({ "previous_category": from, "new_category": to }));
    // An announcement repeats the present category as `new_category`.
    let announced =
        |now: &str, then: &str| of_template(&json!({ "new_category": now, "correct_category": then }));
    check(
        "template_category_update",
        &[
            (done("UTILITY", "MARKETING"), Bad),
            (done("MARKETING", "UTILITY"), Neutral),
            (announced("UTILITY", "MARKETING"), Bad),
            (announced("MARKETING", "UTILITY"), Neutral),
        ],
    );
    let detected = of_template(&json!({ "category": "UTILITY", "correct_category": "MARKETING" }));
    check("template_correct_category_detection", &[(detected, Bad)]);
}

#[test]
fn news_of_an_account_keeps_why_it_was_disconnected() {
    let value = json!({ "event": "PARTNER_REMOVED",
                        "disconnection_info": { "reason": "CHANGE_NUMBER", "initiated_by": "USER" } });

    let Update::Account(account) = read("account_update", &value) else {
        panic!("not an account")
    };

    assert_eq!(account.reason.as_deref(), Some("CHANGE_NUMBER"));
}
