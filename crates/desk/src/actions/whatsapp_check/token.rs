//! The access token: whether it is valid, how long, and what it may do.

use chrono::{DateTime, TimeDelta, Utc};
use whatsapp::account::{MANAGEMENT, MESSAGING, TokenFacts};

use super::finding::{Finding, TOKEN};

const CHECK: &str = "token";
/// Time enough to make a new token.
const SOON: TimeDelta = TimeDelta::days(14);
const NEW_TOKEN: &str =
    "make a new token of a system user in Meta's business settings, and put it where access_token points to";

/// `account` is the resort's business account, where its file names it.
pub(super) fn findings(facts: &TokenFacts, account: Option<&str>, now: DateTime<Utc>) -> Vec<Finding> {
    let error = |text: String| Finding::error(CHECK, TOKEN, text);
    if !facts.is_valid {
        let code = facts
            .error_code
            .map(|code| format!(" (code {code})"))
            .unwrap_or_default();
        let found = error(format!("the token is not valid{code}"))
            .then("every message of the resort is refused and waits in a hold of its token")
            .so(NEW_TOKEN);
        return vec![found];
    }
    let mut found = Vec::new();
    found.extend(end(facts.expires_at, "the token expires", now));
    found.extend(end(
        facts.data_access_expires_at,
        "the app's access to the data ends",
        now,
    ));
    if !facts.may(MESSAGING) {
        let lacking = error(format!("the token lacks the right {MESSAGING}"))
            .then("no message is sent: WhatsApp refuses each with code 10 or 200")
            .so(format!("make a new token with {MESSAGING} and {MANAGEMENT}"));
        found.push(lacking);
    }
    if !facts.may(MANAGEMENT) {
        let lacking = Finding::warning(CHECK, TOKEN, format!("the token lacks the right {MANAGEMENT}"))
            .then("number, subscription and templates cannot be checked")
            .so(format!("make a new token with {MESSAGING} and {MANAGEMENT}"));
        found.push(lacking);
    }
    for right in [MESSAGING, MANAGEMENT] {
        if let Some(account) = account.filter(|account| facts.may(right) && !facts.reaches(right, account)) {
            let elsewhere = error(format!("the right {right} does not reach the account {account}"))
                .then("what the resort needs from that account is refused")
                .so("assign the account to the token's system user, or correct business_account_id");
            found.push(elsewhere);
        }
    }
    if found.is_empty() {
        let app = facts.application.as_deref().unwrap_or("a nameless app");
        let end = match facts.expires_at {
            None => "does not expire".to_owned(),
            Some(at) => format!("expires on {}", at.date_naive()),
        };
        found.push(Finding::ok(
            CHECK,
            TOKEN,
            format!("the token is valid and {end}; its app is {app}"),
        ));
    }
    found
}

fn end(at: Option<DateTime<Utc>>, what: &str, now: DateTime<Utc>) -> Option<Finding> {
    let at = at?;
    let text = format!("{what} on {}", at.date_naive());
    let found = if at <= now {
        Finding::error(CHECK, TOKEN, text)
    } else if at - now < SOON {
        Finding::warning(CHECK, TOKEN, text)
    } else {
        return None;
    };
    let remedy = format!("{NEW_TOKEN}; one of a system user need not expire");
    let effect = "from then on every message of the resort is refused and waits";
    Some(found.then(effect).so(remedy))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;

    const ACCOUNT: &str = "102289599326934";

    fn now() -> DateTime<Utc> {
        "2026-11-29T12:00:00Z".parse().unwrap()
    }

    fn facts() -> TokenFacts {
        TokenFacts {
            is_valid: true,
            expires_at: None,
            data_access_expires_at: None,
            app_id: Some("1".to_owned()),
            application: Some("JaspersMarket".to_owned()),
            kind: Some("SYSTEM_USER".to_owned()),
            scopes: [MESSAGING, MANAGEMENT].map(str::to_owned).into(),
            limits: Vec::new(),
            error_code: None,
        }
    }

    /// Checks what a changed token leads to, by severity and a part of the text.
    fn check(change: impl FnOnce(&mut TokenFacts), expected: &[(Severity, &str)]) {
        let mut facts = facts();
        change(&mut facts);

        let found = findings(&facts, Some(ACCOUNT), now());

        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, (severity, part)) in found.iter().zip(expected) {
            assert_eq!(found.severity, *severity, "{found:?}");
            assert!(found.text.contains(part), "{part}: {found:?}");
            assert_eq!(found.effect.is_empty(), *severity == Severity::Ok, "{found:?}");
            assert_eq!(found.remedy.is_empty(), *severity == Severity::Ok, "{found:?}");
        }
    }

    #[test]
    fn a_token_is_judged_by_its_validity_its_end_and_its_rights() {
        use Severity::{Error, Ok, Warning};

        check(|_| {}, &[(Ok, "does not expire; its app is JaspersMarket")]);
        check(
            |facts| (facts.is_valid, facts.error_code) = (false, Some(190)),
            &[(Error, "not valid (code 190)")],
        );
        check(
            |facts| facts.expires_at = Some(now() + TimeDelta::days(60)),
            &[(Ok, "expires on 2027-01-28")],
        );
        check(
            |facts| facts.expires_at = Some(now() + TimeDelta::days(13)),
            &[(Warning, "expires on 2026-12-12")],
        );
        check(
            |facts| facts.data_access_expires_at = Some(now() - TimeDelta::days(1)),
            &[(Error, "access to the data ends on 2026-11-28")],
        );
        check(|facts| drop(facts.scopes.remove(0)), &[(Error, MESSAGING)]);
        check(|facts| drop(facts.scopes.remove(1)), &[(Warning, MANAGEMENT)]);
    }

    #[test]
    fn a_right_may_be_limited_to_some_accounts() {
        let limit = |ids: &[&str]| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            vec![(MESSAGING.to_owned(), ids)]
        };

        check(
            |facts| facts.limits = limit(&["1", ACCOUNT]),
            &[(Severity::Ok, "is valid")],
        );
        check(
            |facts| facts.limits = limit(&["1"]),
            &[(Severity::Error, "does not reach the account 102289599326934")],
        );
    }
}
