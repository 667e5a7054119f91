//! Every known answer, read through the real client.

use std::time::Duration;

use domain::after_call::CallOutcome;

use crate::fixtures;
use crate::outcomes::call;
use crate::server::{Reply, Server};

async fn told(path: &str) -> String {
    let status = path
        .trim_start_matches("responses/")
        .get(..3)
        .unwrap()
        .parse()
        .unwrap();
    let server = Server::start(Reply::http(status, "", &fixtures::text(path))).await;
    match call(&server.url, Duration::from_secs(10)).await.outcome {
        CallOutcome::Accepted {
            held_for_quality: false,
            ..
        } => "accepted".to_owned(),
        CallOutcome::Accepted {
            held_for_quality: true,
            ..
        } => "held".to_owned(),
        CallOutcome::Refused(refusal) => format!("{} {} {}", refusal.code, refusal.scope, refusal.advice),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn every_example_of_an_answer_becomes_the_right_outcome() {
    let want = [
        ("200_template_accepted", "accepted"),
        ("200_template_held", "held"),
        ("200_text", "accepted"),
        ("400_100_33_unknown_sender", "33 number hold"),
        ("400_100_invalid_param", "100 message give_up"),
        ("400_131009_bad_value", "131009 message give_up"),
        ("400_131042_payment", "131042 account hold"),
        ("400_131056_pair_rate", "131056 pair throttle"),
        ("400_132000_param_count", "132000 template give_up"),
        ("400_80007_waba_rate", "80007 account throttle"),
        ("401_190_expired_token", "190 token hold"),
        ("403_131031_locked", "131031 account hold"),
        ("403_368_policy", "368 account hold"),
        ("404_132001_no_template", "132001 template fallback"),
        ("429_130429_throughput", "130429 number throttle"),
        ("500_131000", "131000 platform retry"),
        ("503_2_service", "2 platform retry"),
    ]
    .map(|(name, outcome)| (format!("responses/{name}.json"), outcome.to_owned()));

    let mut found = Vec::new();
    for path in fixtures::list("responses") {
        found.push((path.clone(), told(&path).await));
    }

    assert_eq!(found, want);
}
