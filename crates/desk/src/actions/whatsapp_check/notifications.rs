//! Whether WhatsApp's notifications reach us: the callback address, the subscription, and the last report that verified.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use store::report_gaps::LastOfNumber;
use whatsapp::account::{Callbacks, SubscribedApp};

use super::finding::{ACCOUNT, Finding, NUMBER};

const LOST: &str =
    "reports, replies and stops of guests do not arrive, and nothing is known of what was delivered";
/// The path at which `ingest` takes notifications.
const PATH: &str = "/webhooks/whatsapp";
/// As `docs/operations.md` lists them.
pub(super) const FIELDS: &str = "messages, user_preferences, message_template_status_update, message_template_quality_update, \
                                 template_category_update, phone_number_quality_update, account_update, account_alerts, \
                                 account_review_update, business_capability_update";
/// A report comes within seconds of its call.
const REPORTED_WITHIN: TimeDelta = TimeDelta::minutes(10);

pub(super) fn callback(callbacks: &Callbacks) -> Vec<Finding> {
    const CHECK: &str = "callback";
    let fields = Finding::ok(
        CHECK,
        NUMBER,
        format!(
            "the app must be subscribed to these fields, which this token cannot read (App Dashboard, WhatsApp, Configuration): {FIELDS}"
        ),
    );
    let Some(address) = callbacks.in_force() else {
        let missing = Finding::error(CHECK, NUMBER, "Meta knows no callback address for the number")
            .then(LOST)
            .so(format!(
                "set https://YOUR-HOST{PATH} and the verify token in the App Dashboard"
            ));
        return vec![missing, fields];
    };
    // A query may hold a secret.
    let shown = address.split(['?', '#']).next().unwrap_or_default();
    let level = if callbacks.phone_number.is_some() {
        "set for this number alone"
    } else if callbacks.business_account.is_some() {
        "set for the account"
    } else {
        "the app's"
    };
    let text = format!("notifications go to {shown}, {level}");
    let is_ours = shown.trim_end_matches('/').ends_with(PATH);
    let found = if is_ours {
        Finding::ok(CHECK, NUMBER, text)
    } else {
        Finding::warning(CHECK, NUMBER, format!("{text}; ingest takes them at {PATH}"))
            .then(format!("unless a proxy leads from there to ingest, {LOST}"))
            .so(format!("set https://YOUR-HOST{PATH} in the App Dashboard, or remove the number's or the account's own address"))
    };
    vec![found, fields]
}

/// `app` is the token's own.
pub(super) fn subscription(apps: &[SubscribedApp], app: Option<&str>) -> Finding {
    const CHECK: &str = "account";
    const SUBSCRIBE: &str = "subscribe it: POST /BUSINESS_ACCOUNT_ID/subscribed_apps with this token";
    if apps.is_empty() {
        return Finding::error(CHECK, ACCOUNT, "no app is subscribed to the account")
            .then(LOST)
            .so(SUBSCRIBE);
    }
    let is_ours = |one: &SubscribedApp| app.is_none() || one.id.as_deref() == app;
    if apps.iter().any(is_ours) {
        return Finding::ok(CHECK, ACCOUNT, "the app is subscribed to the account");
    }
    let names: Vec<&str> = apps.iter().filter_map(|one| one.name.as_deref()).collect();
    Finding::error(
        CHECK,
        ACCOUNT,
        format!(
            "the token's app is not subscribed to the account; subscribed: {}",
            names.join(", ")
        ),
    )
    .then(LOST)
    .so(SUBSCRIBE)
}

/// What the database knows of the number. `waiting_since`: the call since which reports are missing.
pub(super) fn reports(
    last: LastOfNumber,
    waiting_since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Finding {
    const CHECK: &str = "reports";
    let at = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let last_report = match last.reported_at {
        Some(reported_at) => format!("the last report that verified is of {}", at(reported_at)),
        None => "no report ever verified".to_owned(),
    };
    if let Some(since) = waiting_since {
        let text = format!(
            "WhatsApp accepted a message at {} and has reported nothing of this number since; {last_report}",
            at(since)
        );
        return Finding::error(CHECK, NUMBER, text).then(LOST).so(
            "compare WHATSAPP_APP_SECRETS of ingest with the secret of the app (App Dashboard, Settings, Basic); a 401 of \
             ingest for whatsapp means that it is wrong, no request at all that address or subscription are",
        );
    }
    match (last.called_at, last.reported_at) {
        (_, Some(_)) => Finding::ok(
            CHECK,
            NUMBER,
            format!("notifications arrive and their signature verifies; {last_report}"),
        ),
        (Some(called_at), None) if now - called_at >= REPORTED_WITHIN => Finding::warning(
            CHECK,
            NUMBER,
            format!(
                "{last_report}; the last call was at {}, and no message of it waits for one",
                at(called_at)
            ),
        )
        .then("whether notifications arrive and their signature verifies is not known")
        .so("send a message (mode = \"test\"), and check again ten minutes later"),
        _ => Finding::ok(
            CHECK,
            NUMBER,
            "nothing was sent from this number until ten minutes ago, so whether notifications verify is not known yet",
        ),
    }
}

/// The database is not set.
pub(super) fn reports_unchecked() -> Finding {
    Finding::warning(
        "reports",
        NUMBER,
        "DATABASE_URL is not set, so the last report that verified is not known",
    )
    .then("a wrong app secret would not be noticed here")
    .so("set DATABASE_URL")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{self, Error, Ok, Warning};
    use super::*;

    #[track_caller]
    fn check(found: &Finding, severity: Severity, part: &str) {
        assert_eq!(found.severity, severity, "{found:?}");
        assert!(found.text.contains(part), "{part}: {found:?}");
    }

    #[test]
    fn the_callback_in_force_is_the_most_particular_one() {
        let callbacks = |application: Option<&str>, phone_number: Option<&str>| Callbacks {
            application: application.map(str::to_owned),
            business_account: None,
            phone_number: phone_number.map(str::to_owned),
        };
        let first = |callbacks: &Callbacks| callback(callbacks).remove(0);
        let ours = "https://hooks.example/webhooks/whatsapp?secret=1";

        check(
            &first(&callbacks(Some(ours), None)),
            Ok,
            "https://hooks.example/webhooks/whatsapp, the app's",
        );
        check(
            &first(&callbacks(Some(ours), Some("https://old.example/hook"))),
            Warning,
            "old.example/hook, set for this number alone",
        );
        check(&first(&callbacks(None, None)), Error, "no callback address");
    }

    #[test]
    fn the_tokens_own_app_must_be_subscribed() {
        let app = |id: &str| SubscribedApp {
            id: Some(id.to_owned()),
            name: Some(format!("app {id}")),
        };

        check(
            &subscription(&[app("1"), app("2")], Some("2")),
            Ok,
            "is subscribed",
        );
        check(&subscription(&[app("1")], None), Ok, "is subscribed");
        check(&subscription(&[app("1")], Some("2")), Error, "subscribed: app 1");
        check(&subscription(&[], Some("2")), Error, "no app");
    }

    #[test]
    fn the_secret_is_judged_by_the_reports_that_verified() {
        let now: DateTime<Utc> = "2026-11-29T12:00:00Z".parse().unwrap();
        let ago = |minutes| Some(now - TimeDelta::minutes(minutes));
        let last = |called_at, reported_at| LastOfNumber {
            called_at,
            reported_at,
        };

        check(
            &reports(last(ago(1), ago(1)), None, now),
            Ok,
            "verified is of 2026-11-29T11:59:00Z",
        );
        check(
            &reports(last(ago(11), ago(90)), ago(11), now),
            Error,
            "accepted a message at",
        );
        check(
            &reports(last(ago(11), None), ago(11), now),
            Error,
            "no report ever verified",
        );
        check(&reports(last(ago(9), None), None, now), Ok, "not known yet");
        check(
            &reports(last(ago(99), None), None, now),
            Warning,
            "no report ever verified",
        );
        check(&reports(LastOfNumber::default(), None, now), Ok, "not known yet");
    }
}
