//! News of the business account, of its numbers and of its templates: bad news alone is an alert, once.

use serde_json::{Value, json};

use crate::logs;
use crate::scene::Scene;

fn account(value: Value) -> Value {
    json!({ "field": "account_update", "value": value })
}

fn template(field: &str, name: &str, more: &str, word: &str) -> Value {
    json!({ "field": field, "value": { "message_template_id": 1, "message_template_name": name,
                                       "message_template_language": "en_US", more: word } })
}

fn restriction() -> Value {
    account(json!({
        "event": "ACCOUNT_RESTRICTION",
        "restriction_info": [{ "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_790_259_200 }],
    }))
}

// shows: B83
#[tokio::test]
async fn a_restriction_of_the_account_is_one_alert_however_often_it_comes() {
    logs::begin();
    let scene = Scene::new().await;

    scene.notified(&restriction()).await;
    scene.notified(&restriction()).await;

    let alerts = logs::alerts("account_problem");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["account"], "102290129340398");
    assert_eq!(alerts[0]["news"], "ACCOUNT_RESTRICTION");
    assert!(
        alerts[0]["restricted"].contains("RESTRICTED_BIZ_INITIATED_MESSAGING until 2026-09-2"),
        "{alerts:?}"
    );
}

#[tokio::test]
async fn a_notice_in_a_batch_that_is_tried_again_is_logged_once() {
    logs::begin();
    let scene = Scene::new().await;
    // The first three tries fail.
    scene
        .sql(
            "CREATE SEQUENCE tries; CREATE FUNCTION lose() RETURNS trigger AS $$ BEGIN \
             IF nextval('tries') <= 3 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected'; END IF; \
             RETURN new; END $$ LANGUAGE plpgsql; \
             CREATE TRIGGER lose BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION lose()",
        )
        .await;

    scene.notified(&restriction()).await;

    assert_eq!(logs::alerts("account_problem").len(), 1);
}

// shows: B83
#[tokio::test]
async fn a_flagged_number_is_an_alert_that_names_it() {
    logs::begin();
    let scene = Scene::new().await;

    scene
        .notified(&json!({ "field": "phone_number_quality_update",
                           "value": { "display_phone_number": "15550100200", "event": "FLAGGED" } }))
        .await;

    let alerts = logs::alerts("number_problem");
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        (alerts[0]["number"].as_str(), alerts[0]["news"].as_str()),
        ("15550100200", "FLAGGED")
    );
}

// shows: B83
#[tokio::test]
async fn a_template_that_becomes_marketing_is_an_alert_that_names_it() {
    logs::begin();
    let scene = Scene::new().await;

    scene
        .notified(&template(
            "template_category_update",
            "confirmed",
            "new_category",
            "MARKETING",
        ))
        .await;

    let alerts = logs::alerts("template_problem");
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        (alerts[0]["template"].as_str(), alerts[0]["language"].as_str()),
        ("confirmed", "en_US")
    );
    assert!(alerts[0]["news"].contains("MARKETING"), "{alerts:?}");
}

fn category(now: &str) -> Value {
    template("template_category_update", "confirmed", "new_category", now)
}

async fn holds(scene: &Scene) -> Vec<(String, String)> {
    let holds = scene.run(|connection, _| store::holds::list(connection)).await;
    let named = holds.into_iter().map(|(hold, _)| (hold.key, hold.reason));
    named.collect()
}

const HELD: &str = "template number=106540352242922 template=confirmed/en_US kind=reservation_confirmation";

// shows: B145
#[tokio::test]
async fn a_template_that_becomes_marketing_holds_its_confirmations_with_one_alert_until_it_is_utility_again()
{
    logs::begin();
    let scene = Scene::new().await;

    scene.notified(&category("MARKETING")).await;
    scene.notified(&category("MARKETING")).await;

    assert_eq!(
        holds(&scene).await,
        [(HELD.to_owned(), "became_marketing".to_owned())]
    );
    let alerts = logs::alerts("template_became_marketing");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["hold"], HELD);
    let begun = "\nbellhop_holds_begun_total{scope=\"template\"} 1\n";
    assert!(scene.steps.metrics().contains(begun));

    // Good news of its quality ends no hold that its category laid.
    let approved = template("message_template_status_update", "confirmed", "event", "APPROVED");
    scene.notified(&approved).await;
    assert_eq!(holds(&scene).await.len(), 1);
    scene.notified(&category("UTILITY")).await;
    assert!(holds(&scene).await.is_empty());
}

#[tokio::test]
async fn a_change_of_category_that_is_only_announced_holds_nothing_yet() {
    let scene = Scene::new().await;
    let mut announced = category("UTILITY");
    announced["value"]["correct_category"] = "MARKETING".into();

    scene.notified(&announced).await;

    assert!(holds(&scene).await.is_empty());
    assert_eq!(scene.count("template_categories").await, 0);
}

#[tokio::test]
async fn a_template_of_reminders_that_becomes_marketing_holds_nothing() {
    let scene = Scene::new().await;

    scene
        .notified(&template(
            "template_category_update",
            "reminder_1",
            "new_category",
            "MARKETING",
        ))
        .await;

    assert!(holds(&scene).await.is_empty());
    assert_eq!(scene.count("template_categories").await, 1);
}

// shows: B83
#[tokio::test]
async fn good_and_neutral_news_is_no_alert() {
    logs::begin();
    let scene = Scene::new().await;
    let news = [
        account(json!({ "event": "AD_ACCOUNT_LINKED" })),
        account(json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "REINSTATE" } })),
        account(json!({ "event": "VOLUME_BASED_PRICING_TIER_UPDATE" })),
        account(json!({ "event": "MM_LITE_TERMS_SIGNED" })),
        template("message_template_status_update", "confirmed", "event", "APPROVED"),
    ];

    for one in &news {
        scene.notified(one).await;
    }

    assert_eq!(logs::count_alerts(), 0, "{}", logs::all());
    let accounts = logs::events("account_changed");
    for word in [
        "AD_ACCOUNT_LINKED",
        "REINSTATE",
        "VOLUME_BASED_PRICING_TIER_UPDATE",
        "MM_LITE_TERMS_SIGNED",
    ] {
        let naming = accounts
            .iter()
            .filter(|line| line.values().any(|value| value.contains(word)));
        assert_eq!(naming.count(), 1, "{word}");
    }
    let templates = logs::events("template_changed");
    assert!(templates.iter().any(|line| line["news"].contains("APPROVED")));
}

#[tokio::test]
async fn good_news_of_a_template_lets_its_hold_try_at_once() {
    let scene = Scene::new().await;
    scene
        .sql(
            "INSERT INTO holds (key, scope, template, reason, since, until) \
             VALUES ('template confirmed/en_US', 'template', 'confirmed/en_US', '132015', now(), now() + interval '20 minutes')",
        )
        .await;
    let waits = "holds WHERE until > clock_timestamp()";
    assert_eq!(scene.count(waits).await, 1);

    scene
        .notified(&template(
            "message_template_status_update",
            "confirmed",
            "event",
            "APPROVED",
        ))
        .await;

    assert_eq!(scene.count(waits).await, 0);
}
