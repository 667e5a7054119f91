//! Notifications are read by WhatsApp's own examples, and nothing in them is ever an error.

use domain::ids::EventId;
use domain::message::DeliveryStatus;
use proptest::prelude::*;
use serde_json::{Value, json};
use whatsapp::notification::{
    Choice, Damage, Inbound, MOST_UPDATES, NotANotification, ReportedStatus, TemplateChange, Update, parse,
};

use crate::fixtures;

fn read(body: &Value) -> Vec<Update> {
    parse(body.to_string().as_bytes()).unwrap()
}

fn updates(name: &str) -> Vec<Update> {
    read(&fixtures::json(&format!("webhooks/{name}.json")))
}

fn only(name: &str) -> Update {
    let mut updates = updates(name);
    assert_eq!(updates.len(), 1, "{name}");
    updates.remove(0)
}

fn change(field: &str, value: Value) -> Value {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "900", "changes": [{ "field": field, "value": value }] }],
    })
}

/// Describes an update in one line.
fn told(update: &Update) -> String {
    match update {
        Update::Status(status) => {
            let word = match &status.status {
                ReportedStatus::Known(status) => status.as_str(),
                ReportedStatus::Other(word) => word,
            };
            let code = status
                .error
                .as_ref()
                .map(|error| format!(" {}", error.code))
                .unwrap_or_default();
            let seconds = status.at.unwrap().timestamp() % 100;
            format!("{word}{code} at {seconds}")
        }
        Update::Inbound(inbound) => {
            let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {} {}",
                inbound.message_type,
                word(&inbound.text),
                word(&inbound.payload)
            )
        }
        Update::Preference(preference) => format!("{:?}", preference.choice),
        Update::Template(template) => {
            let reason = template.reason.as_deref().unwrap_or("-");
            format!(
                "{} {} {:?} {reason}",
                template.name,
                template.language.as_deref().unwrap(),
                template.change
            )
        }
        Update::Account(account) => {
            let names: Vec<_> = account.restrictions.iter().map(|one| one.name.as_str()).collect();
            format!(
                "{} {:?} {}",
                account.event,
                names,
                account.reason.as_deref().unwrap_or("-")
            )
        }
        Update::Number(number) => format!("{} {}", number.event, number.limit.as_deref().unwrap()),
        Update::Problem(problem) => format!("{} {}", problem.error.code, problem.error.title),
        Update::Other(remainder) => format!("other {}", remainder.field),
        Update::Unreadable(remainder) => format!("unreadable {}", remainder.field),
    }
}

#[test]
fn every_example_of_a_notification_is_read() {
    let want = [
        (
            "account_update_restriction",
            "ACCOUNT_RESTRICTION [\"RESTRICTED_BIZ_INITIATED_MESSAGING\"] -",
        ),
        ("account_update_violation", "ACCOUNT_VIOLATION [] SPAM"),
        (
            "batch_mixed_out_of_order",
            "read at 9, sent at 0, delivered at 2, delivered at 2, text stop -, failed 131026 at 4",
        ),
        ("inbound_interactive_button_reply", "interactive Stop opt_out"),
        ("inbound_template_quick_reply", "button Stop promotions OPT_OUT"),
        ("inbound_text_stop", "text STOP -"),
        ("inbound_unsupported", "unsupported - -"),
        (
            "phone_number_quality_throughput",
            "THROUGHPUT_UPGRADE TIER_UNLIMITED",
        ),
        ("status_delivered", "delivered at 2"),
        ("status_failed_130472", "failed 130472 at 3"),
        ("status_failed_131026", "failed 131026 at 3"),
        ("status_failed_131047", "failed 131047 at 3"),
        ("status_failed_131049", "failed 131049 at 3"),
        ("status_failed_131050", "failed 131050 at 3"),
        ("status_failed_132015", "failed 132015 at 3"),
        ("status_read_without_delivered", "read at 9"),
        ("status_sent_no_phone_bsuid", "sent at 0"),
        ("status_sent_v23", "sent at 0"),
        ("status_sent_v24plus", "sent at 0"),
        ("system_user_changed_number", "system - -"),
        (
            "template_category_changed",
            "cart_reminder_1 en_US Category(\"MARKETING\") -",
        ),
        ("template_quality_red", "cart_reminder_1 en_US Quality(\"RED\") -"),
        (
            "template_status_approved",
            "cart_reminder_1 en_US Status(\"APPROVED\") -",
        ),
        (
            "template_status_disabled",
            "cart_reminder_1 en_US Status(\"DISABLED\") DISABLED",
        ),
        (
            "template_status_paused",
            "cart_reminder_1 en_US Status(\"PAUSED\") FIRST_PAUSE",
        ),
        ("user_preferences_resume", "Resume"),
        ("user_preferences_stop", "Stop"),
        ("value_level_error", "130429 Rate limit hit"),
    ]
    .map(|(name, told)| (format!("webhooks/{name}.json"), told.to_owned()));

    let found: Vec<_> = fixtures::list("webhooks")
        .into_iter()
        .map(|path| {
            let told: Vec<_> = read(&fixtures::json(&path)).iter().map(told).collect();
            (path, told.join(", "))
        })
        .collect();

    assert_eq!(found, want);
}

#[test]
fn every_update_reads_back_from_its_json_with_an_event_id_and_debug_shows_no_guest() {
    for path in fixtures::list("webhooks") {
        for update in read(&fixtures::json(&path)) {
            let stored = serde_json::to_string(&update).unwrap();

            assert_eq!(serde_json::from_str::<Update>(&stored).unwrap(), update, "{path}");
            assert_eq!(
                EventId::parse(&update.dedupe_id()).unwrap().as_str(),
                update.dedupe_id()
            );
            let shown = format!("{update:?} {}", update.dedupe_id());
            for personal in ["4915550001111", "4915550002222", "wamid", "STOP", "DE.800", "Ana"] {
                assert!(!shown.contains(personal), "{path}: {personal} in {shown}");
            }
        }
    }
}

#[test]
fn a_status_names_its_number_its_guest_and_our_call() {
    let mut body = fixtures::json("webhooks/status_failed_131026.json");
    let status = body.pointer_mut("/entry/0/changes/0/value/statuses/0").unwrap();
    status["biz_opaque_callback_data"] = format!("{}.3", fixtures::MESSAGE).into();
    let Update::Status(status) = read(&body).remove(0) else {
        panic!("not a status")
    };

    assert_eq!(status.number.as_ref().unwrap().as_str(), "100200300400500");
    assert_eq!(status.recipient.as_ref().unwrap().reveal(), "+4915550001111");
    assert_eq!(status.call().unwrap().attempt.0, 3);
    assert_eq!(status.at.unwrap().timestamp(), 1_790_000_003);
    assert_eq!(status.error.unwrap().title, "Message Undeliverable");
}

#[test]
fn a_status_says_what_whatsapp_charges_and_damage_to_that_costs_nothing_else() {
    let mut body = fixtures::json("webhooks/status_sent_v24plus.json");
    let read_pricing = |body: &Value| match read(body).remove(0) {
        Update::Status(status) => status.pricing,
        other => panic!("not a status: {other:?}"),
    };

    let pricing = read_pricing(&body).unwrap();
    let status = "/entry/0/changes/0/value/statuses/0";
    body.pointer_mut(status).unwrap()["pricing"] = json!({ "category": ["x"], "billable": "true" });

    assert_eq!(
        (
            pricing.category.as_deref(),
            pricing.type_.as_deref(),
            pricing.billable
        ),
        (Some("marketing"), Some("regular"), Some(true))
    );
    assert_eq!(read_pricing(&body), None);
}

#[test]
fn a_template_has_its_new_category_once_it_is_in_force() {
    let mut body = fixtures::json("webhooks/template_category_changed.json");
    let template = |body: &Value| match read(body).remove(0) {
        Update::Template(template) => template,
        other => panic!("not a template: {other:?}"),
    };
    let changed = template(&body);

    let value = body.pointer_mut("/entry/0/changes/0/value").unwrap();
    value["new_category"] = "UTILITY".into();
    value["correct_category"] = "MARKETING".into();
    let announced = template(&body);

    assert_eq!(changed.key().as_deref(), Some("cart_reminder_1/en_US"));
    assert_eq!((changed.news(), changed.is_announced), ("MARKETING", false));
    assert_eq!((announced.news(), announced.is_announced), ("MARKETING", true));
}

#[test]
fn a_guest_without_a_number_is_still_told_apart() {
    let Update::Status(status) = only("status_sent_no_phone_bsuid") else {
        panic!("not a status")
    };

    assert_eq!(
        (status.recipient, status.user.as_deref()),
        (None, Some("DE.80012345678901234567"))
    );
    assert_eq!(status.callback.as_deref(), Some("att_01J9Z7"));
}

#[test]
fn only_what_the_guest_did_opens_the_window() {
    let Update::Inbound(reply) = only("inbound_template_quick_reply") else {
        panic!("not a message")
    };
    let Update::Inbound(system) = only("system_user_changed_number") else {
        panic!("not a message")
    };

    assert!(reply.is_to_us() && reply.answers.is_some() && reply.new_number.is_none());
    assert!(!system.is_to_us());
    assert_eq!(system.new_number.unwrap().reveal(), "+4915550002222");
}

// shows: B45
#[test]
fn a_reply_says_typed_words_or_a_button_with_its_payload() {
    let said = |name: &str| {
        let Update::Inbound(inbound) = only(name) else {
            panic!("not a message")
        };
        let said = inbound.inbound_text();
        [said.text, said.label, said.payload].map(|part| part.unwrap_or("-").to_owned())
    };

    assert_eq!(said("inbound_text_stop"), ["STOP", "-", "-"]);
    assert_eq!(
        said("inbound_template_quick_reply"),
        ["-", "Stop promotions", "OPT_OUT"]
    );
    assert_eq!(said("inbound_interactive_button_reply"), ["-", "Stop", "opt_out"]);
}

/// A guest's message of a type, as Meta's pages on inbound messages describe it.
fn inbound(message_type: &str, content: &Value) -> Inbound {
    let message = json!({
        "from": "306912345678", "id": "wamid.1", "timestamp": "1749854575", "type": message_type, message_type: content,
    });
    let value = json!({ "metadata": { "phone_number_id": "106" }, "messages": [message] });
    match read(&change("messages", value)).remove(0) {
        Update::Inbound(inbound) => inbound,
        other => panic!("{message_type}: {other:?}"),
    }
}

#[test]
fn a_guests_file_is_read_with_its_caption_and_shown_nowhere() {
    for (message_type, caption, file_name) in [
        ("image", Some("Our room"), None),
        ("video", Some("Noise"), None),
        ("document", Some("My visa"), Some("visa.pdf")),
        ("audio", None, None),
        ("sticker", None, None),
    ] {
        let content = json!({
            "id": "1003383421387256", "mime_type": "image/jpeg", "sha256": "Sf", "caption": caption, "filename": file_name,
        });

        let inbound = inbound(message_type, &content);

        assert_eq!(inbound.text.as_deref(), caption, "{message_type}");
        let media = inbound.media.as_ref().unwrap();
        assert_eq!(
            (media.id.as_str(), media.file_name.as_deref()),
            ("1003383421387256", file_name)
        );
        assert!(!format!("{inbound:?}").contains("visa"), "{inbound:?}");
    }
}

#[test]
fn a_guests_message_without_words_and_file_is_read_as_its_type() {
    for (message_type, content) in [
        (
            "location",
            json!({ "latitude": 37.0, "longitude": 25.4, "name": "Azure Bay" }),
        ),
        ("contacts", json!([{ "name": { "formatted_name": "Bob" } }])),
        ("order", json!({ "catalog_id": "1", "product_items": [] })),
        ("unsupported", json!({ "type": "edit" })),
    ] {
        let inbound = inbound(message_type, &content);

        assert_eq!(inbound.message_type, message_type);
        assert!(inbound.text.is_none() && inbound.media.is_none() && inbound.is_to_us());
    }
}

#[test]
fn a_restriction_says_when_it_ends() {
    let Update::Account(account) = only("account_update_restriction") else {
        panic!("not an account")
    };

    assert_eq!(account.account.as_deref(), Some("900800700600500"));
    assert_eq!(account.restrictions[0].until.unwrap().timestamp(), 1_790_259_200);
}

#[test]
fn event_names_and_languages_are_written_in_one_way() {
    let body = change(
        "message_template_status_update",
        json!({ "event": "paused", "message_template_name": "a", "message_template_language": "en-US", "reason": null }),
    );

    let Update::Template(template) = read(&body).remove(0) else {
        panic!("not a template")
    };

    assert_eq!(template.change, TemplateChange::Status("PAUSED".to_owned()));
    assert_eq!(
        (template.language.as_deref(), template.reason),
        (Some("en_US"), None)
    );
}

#[test]
fn a_played_message_was_read_and_an_unknown_status_is_kept() {
    let status = |word: &str| {
        let list = json!({ "statuses": [{ "id": "wamid.A", "status": word, "timestamp": 1_790_000_000 }] });
        match read(&change("messages", list)).remove(0) {
            Update::Status(status) => status.status,
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(status("played"), ReportedStatus::Known(DeliveryStatus::Read));
    assert_eq!(
        status("teleported"),
        ReportedStatus::Other("teleported".to_owned())
    );
}

#[test]
fn an_unknown_choice_is_kept() {
    let list = json!({ "user_preferences": [{ "wa_id": "4915550001111", "value": "signup" }] });

    let Update::Preference(preference) = read(&change("user_preferences", list)).remove(0) else {
        panic!("not a preference")
    };

    assert_eq!(
        (preference.choice, preference.at),
        (Choice::Other("signup".to_owned()), None)
    );
}

#[test]
fn a_malformed_member_costs_only_itself() {
    let body = change(
        "messages",
        json!({
            "statuses": [null, 7, { "status": "sent" }, { "id": "wamid.A", "status": "sent", "timestamp": "soon", "recipient_id": [] }],
            "messages": { "not": "a list" },
            "errors": [{ "code": "130429" }, { "title": "no code" }],
        }),
    );

    let kinds: Vec<_> = read(&body).iter().map(Update::kind).collect();

    let unreadable = "whatsapp_unreadable";
    let want = [
        unreadable,
        unreadable,
        unreadable,
        "whatsapp_status",
        unreadable,
        "whatsapp_problem",
        unreadable,
    ];
    assert_eq!(kinds, want);
}

/// Three entries with a status each; the one in the middle, its change or its status is something else.
fn with_damage(pointer: &str, json: &str) -> Vec<Update> {
    let status = |id: &str| json!({ "id": id, "status": "sent", "timestamp": "1763892000" });
    let entry = |id: &str| {
        change(
            "messages",
            json!({ "statuses": [status(id), status(&format!("{id}2"))] }),
        )["entry"][0]
            .clone()
    };
    let mut body = json!({ "entry": [entry("a"), entry("b"), entry("c")] });
    *body.pointer_mut(pointer).unwrap() = json!("DAMAGE");
    parse(body.to_string().replace("\"DAMAGE\"", json).as_bytes()).unwrap()
}

/// The number of statuses that were read, and the damage of the others.
fn outcome(updates: &[Update]) -> (usize, Vec<Damage>) {
    let statuses = updates
        .iter()
        .filter(|update| matches!(update, Update::Status(_)))
        .count();
    (statuses, updates.iter().filter_map(Update::damage).collect())
}

// shows: B10
#[test]
fn an_unreadable_update_costs_only_itself_and_has_a_reason() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let status = "/entry/1/changes/0/value/statuses/0";
    let check = |pointer: &str, json: &str, statuses: usize, damage: Damage| {
        let updates = with_damage(pointer, json);
        assert_eq!(
            outcome(&updates),
            (statuses, vec![damage]),
            "{pointer} {}",
            &json[..json.len().min(40)]
        );
    };

    for nonsense in [
        "7",
        "null",
        "\"x\"",
        "[]",
        "1e999",
        &deep,
        r#"{"id":{"a":1},"status":"sent"}"#,
        r#"{"id":7,"status":[]}"#,
    ] {
        check(status, nonsense, 5, Damage::Incomplete);
    }
    for nonsense in ["7", "null", "\"x\"", "[]", "{}", &deep, r#"{"changes":{}}"#] {
        check("/entry/1", nonsense, 4, Damage::Entry);
    }
    for nonsense in ["7", "null", "[]", "{}", &deep, r#"{"field":7,"value":{}}"#] {
        check("/entry/1/changes/0", nonsense, 4, Damage::Change);
    }
    for nonsense in ["7", "\"x\"", "[]", &deep] {
        check("/entry/1/changes/0/value", nonsense, 4, Damage::Change);
    }
    for nonsense in ["7", "\"x\"", "{}", "true"] {
        check("/entry/1/changes/0/value/statuses", nonsense, 4, Damage::List);
    }
}

// shows: B10
#[test]
fn damage_to_a_text_costs_not_even_its_own_update() {
    let body = |text: &[u8]| {
        let (before, after) = (
            br#"{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"id":"w","type":"text","text":{"body":""#,
            br#""}}]}}]}]}"#,
        );
        [&before[..], text, after].concat()
    };
    let check = |text: &[u8], expected: &str| {
        let updates = parse(&body(text)).unwrap();
        let Update::Inbound(inbound) = &updates[0] else {
            panic!("{updates:?}")
        };
        assert_eq!((inbound.text.as_deref(), updates.len()), (Some(expected), 1));
    };

    check(br"STOP \ud83d", "STOP \u{FFFD}");
    check(br"\ude00STOP", "\u{FFFD}STOP");
    check(b"STOP \xff", "STOP \u{FFFD}");
    check(b"STOP\0\r", "STOP\0\r");
    let marked = [b"\xef\xbb\xbf", &body(b"STOP")[..]].concat();
    assert_eq!(parse(&marked), parse(&body(b"STOP")));
}

#[test]
fn numbers_are_read_as_texts_are_where_whatsapp_writes_either() {
    let status = |timestamp: &str, recipient: &str| {
        format!(
            r#"{{"id":"w","status":"failed","timestamp":{timestamp},"recipient_id":{recipient},"errors":[{{"code":131026.0}}]}}"#
        )
    };
    let texts = with_damage(
        "/entry/1/changes/0/value/statuses/0",
        &status(r#""1763892000""#, r#""306912345678""#),
    );

    for (timestamp, recipient) in [
        ("1763892000", "306912345678"),
        ("1763892000.0", r#""306912345678""#),
        ("1.763892e9", "306912345678"),
    ] {
        let numbers = with_damage(
            "/entry/1/changes/0/value/statuses/0",
            &status(timestamp, recipient),
        );
        assert_eq!(numbers, texts, "{timestamp} {recipient}");
    }
    assert!(
        matches!(&texts[2], Update::Status(status) if status.recipient.is_some() && status.error.as_ref().unwrap().code == 131_026)
    );
}

#[test]
fn an_unknown_field_is_kept_under_its_name() {
    let updates: Vec<_> = [
        change("calls", json!({ "calls": [] })),
        change("messages", json!({ "groups": [1] })),
    ]
    .iter()
    .flat_map(read)
    .collect();

    assert_eq!(
        updates.iter().map(told).collect::<Vec<_>>(),
        ["other calls", "other messages"]
    );
}

#[test]
fn the_same_update_has_the_same_id_however_it_comes_and_another_has_another() {
    let batch = updates("batch_mixed_out_of_order");
    let ids: Vec<_> = batch.iter().map(Update::dedupe_id).collect();

    assert_eq!(ids[2], ids[3]);
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), ids.len() - 1);
    assert_eq!(only("inbound_text_stop").dedupe_id(), ids[4]);
    assert_ne!(
        only("template_status_paused").dedupe_id(),
        only("template_status_approved").dedupe_id()
    );
    assert_ne!(
        only("user_preferences_stop").dedupe_id(),
        only("user_preferences_resume").dedupe_id()
    );
}

#[test]
fn an_account_event_that_comes_back_later_is_another_event() {
    let mut later = fixtures::json("webhooks/account_update_restriction.json");
    later["entry"][0]["time"] = json!(1_790_000_777);

    assert_ne!(
        read(&later)[0].dedupe_id(),
        only("account_update_restriction").dedupe_id()
    );
}

#[test]
fn escaped_and_plain_bytes_say_the_same() {
    let plain = r#"{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"id":"w","type":"text","text":{"body":"J’ai 😀 @ /"}}]}}]}]}"#;
    let escaped = plain.replace("J’ai 😀 @ /", r"J\u2019ai \ud83d\ude00 \u0040 \/");

    assert_eq!(parse(plain.as_bytes()), parse(escaped.as_bytes()));
}

#[test]
fn a_body_that_is_no_notification_is_refused() {
    for (body, want) in [
        ("", NotANotification::NotJson),
        ("{", NotANotification::NotJson),
        ("[]", NotANotification::NoEntries),
        ("null", NotANotification::NoEntries),
        (
            r#"{"object":"whatsapp_business_account"}"#,
            NotANotification::NoEntries,
        ),
        (r#"{"entry":{}}"#, NotANotification::NoEntries),
    ] {
        assert_eq!(parse(body.as_bytes()), Err(want), "{body}");
    }
    let cut = format!("{{\"entry\":{}", "[".repeat(100_000));
    assert_eq!(parse(cut.as_bytes()), Err(NotANotification::NotJson));
    assert_eq!(
        parse(" ".repeat(5 << 20).as_bytes()),
        Err(NotANotification::TooLong)
    );
    assert_eq!(
        parse(br#"{"object":"whatsapp_business_account","entry":[]}"#),
        Ok(Vec::new())
    );
}

#[test]
fn a_thousand_updates_are_read_and_of_far_too_many_the_first_ones() {
    let batch = |count: usize| {
        let statuses: Vec<_> = (0..count)
            .map(|n| json!({ "id": format!("w{n}"), "status": "sent" }))
            .collect();
        change("messages", json!({ "statuses": statuses })).to_string()
    };

    assert_eq!(parse(batch(1_000).as_bytes()).unwrap().len(), 1_000);
    for (count, damage) in [
        (MOST_UPDATES, vec![]),
        (MOST_UPDATES + 1, vec![Damage::TooMany]),
        (3 * MOST_UPDATES, vec![Damage::TooMany]),
    ] {
        assert_eq!(
            outcome(&parse(batch(count).as_bytes()).unwrap()),
            (MOST_UPDATES, damage)
        );
    }
    let empty = format!(r#"{{"entry":[{}7]}}"#, "7,".repeat(1_000_000));
    assert_eq!(parse(empty.as_bytes()).unwrap().len(), MOST_UPDATES + 1);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("id"),
        Just("status"),
        Just("timestamp"),
        Just("errors"),
        Just("code"),
        Just("value"),
        Just("field"),
        Just("changes"),
        Just("statuses"),
        Just("messages"),
        Just("user_preferences"),
        Just("type"),
        Just("text"),
        Just("event"),
        Just("metadata"),
        Just("restriction_info"),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

fn any_field() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("messages"),
        Just("user_preferences"),
        Just("message_template_status_update"),
        Just("message_template_quality_update"),
        Just("template_category_update"),
        Just("phone_number_quality_update"),
        Just("account_update"),
        Just("something_new"),
    ]
}

proptest! {
    // shows: T11
    #[test]
    fn no_json_causes_a_panic(value in any_json(), entry in any_json(), field in any_field()) {
        let body = json!({ "entry": [entry, { "changes": [{ "field": field, "value": value }] }] });

        for update in read(&body) {
            let stored = serde_json::to_string(&update).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Update>(&stored).unwrap(), &update);
            prop_assert!(EventId::parse(&update.dedupe_id()).is_ok());
        }
    }

    #[test]
    fn a_member_of_an_example_replaced_by_anything_loses_no_update(
        example in prop::sample::select(fixtures::list("webhooks")),
        member in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let mut body = fixtures::json(&example);
        let change = body.pointer_mut("/entry/0/changes/0/value").unwrap().as_object_mut().unwrap();
        let key = change.keys().nth(member.index(change.len())).unwrap().clone();
        change.insert(key, value);

        prop_assert!(!read(&body).is_empty());
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }
}
