//! A question that WhatsApp did not answer, as a finding.

use whatsapp::answer::NotRead;
use whatsapp::error_codes;

use super::finding::{Finding, Place};

/// `what` is what was asked about, such as "the number".
pub(super) fn finding(check: &'static str, place: Place, what: &str, cause: &NotRead) -> Finding {
    const UNCHECKED: &str =
        "nothing more is known of it; where the senders use the same network, they send nothing either";
    match cause {
        NotRead::Unreachable(reason) => Finding::error(
            check,
            place,
            format!("WhatsApp cannot be reached to ask about {what}: {reason}"),
        )
        .then(UNCHECKED)
        .so("check the network, HTTPS_PROXY and WHATSAPP_API_URL of this machine"),
        NotRead::NoAnswer => Finding::error(
            check,
            place,
            format!("WhatsApp did not answer about {what} in time"),
        )
        .then(UNCHECKED)
        .so("try again; then check the network and https://metastatus.com"),
        NotRead::NotWhatsApps(seen) => Finding::error(
            check,
            place,
            format!("something other than WhatsApp answered about {what}: {seen}"),
        )
        .then(UNCHECKED)
        .so("check proxies, firewalls and WHATSAPP_API_URL"),
        NotRead::Refused {
            code,
            subcode,
            fbtrace_id,
        } => refused(check, place, what, (*code, *subcode), fbtrace_id.as_deref()),
    }
}

fn refused(
    check: &'static str,
    place: Place,
    what: &str,
    (code, subcode): (i64, Option<i64>),
    trace: Option<&str>,
) -> Finding {
    let trace = trace.map(|id| format!(", trace {id}")).unwrap_or_default();
    let said = format!(
        "WhatsApp refuses to tell of {what}: code {code} ({}){trace}",
        error_codes::title(code)
    );
    let error = Finding::error(check, place.clone(), said.clone());
    match (code, subcode) {
        (0 | 102 | 104 | 190, _) => error
            .then("every message of the resort is refused and waits in a hold of its token")
            .so("make a new token of a system user in Meta's business settings, and put it where access_token points to"),
        (33, _) | (100, Some(33)) => error
            .then("the id does not exist, or the token has no right to it; what uses it is refused")
            .so("compare the id with WhatsApp Manager; assign the account to the token's system user"),
        (4 | 17 | 32 | 80_007 | 80_008, _) => Finding::warning(check, place, said)
            .then("Meta limits questions in each hour (200 for an account that sends little); messages do not count")
            .so("try again in an hour"),
        (3 | 10 | 200..=299 | 131_005, _) => error
            .then("it cannot be checked")
            .so(format!(
                "give the token the right {} and its system user the account, then make a new token",
                whatsapp::account::MANAGEMENT
            )),
        (100, _) => Finding::warning(check, place, said)
            .then("it is not checked")
            .so("the version of the API does not know a field: leave WHATSAPP_API_VERSION out, or set it to v25.0 or newer"),
        (1 | 2, _) => Finding::warning(check, place, said)
            .then("it is not checked")
            .so("Meta has a fault; try again"),
        _ => error
            .then("it cannot be checked, and messages may be refused for the same reason")
            .so("look the code up in docs/operations.md and at Meta, and the account in WhatsApp Manager"),
    }
}
