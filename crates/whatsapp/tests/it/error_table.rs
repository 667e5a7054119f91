//! The error table agrees with the list of codes in the fixture, code by code.

use serde_json::Value;
use whatsapp::error_codes::{self, Arrives};

use crate::fixtures;

fn scope(row: &Value) -> &str {
    match row["scope"].as_str().unwrap() {
        "app" => "platform",
        "waba" => "account",
        "request" => "message",
        same => same,
    }
}

fn advice(row: &Value) -> &'static str {
    match row["action"].as_str().unwrap() {
        // The whole account must not send marketing templates, so another template would not help.
        "HOLD_TEMPLATE" if scope(row) == "account" => "hold",
        "HOLD_TEMPLATE" | "USE_TEMPLATE" => "fallback",
        "RETRY" => "retry",
        "WAIT_24H" => "rest_a_day",
        "OPT_OUT_MARKETING" => "opt_out",
        "DROP_RECIPIENT" | "REVIEW_PAYLOAD" => "give_up",
        action if action.starts_with("THROTTLE_") => "throttle",
        action if action.starts_with("STOP_") => "hold",
        action => panic!("unknown action {action}"),
    }
}

fn arrives(row: &Value) -> Arrives {
    match row["arrives"].as_str().unwrap() {
        "sync" => Arrives::Answer,
        "webhook" => Arrives::Status,
        "both" => Arrives::Both,
        way => panic!("unknown way {way}"),
    }
}

#[test]
fn every_listed_code_is_in_the_table_with_its_scope_and_advice() {
    let fixture = fixtures::json("error-codes.json");
    let rows = fixture["errors"].as_array().unwrap();

    for row in rows {
        let (first, last) = match row["code"].as_str().and_then(|range| range.split_once('-')) {
            Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
            None => (row["code"].as_i64().unwrap(), row["code"].as_i64().unwrap()),
        };
        let entry = error_codes::find(first).unwrap_or_else(|| panic!("{first} is missing"));

        let found = (
            entry.last,
            entry.title,
            entry.scope.as_str(),
            entry.advice.as_str(),
            entry.passing,
            entry.arrives,
        );
        let title = row["title"].as_str().unwrap();
        let passing = row["retry_same_request"].as_bool().unwrap();
        assert_eq!(
            found,
            (last, title, scope(row), advice(row), passing, arrives(row)),
            "{first}"
        );
    }
    assert_eq!(error_codes::all().len(), rows.len());
}
