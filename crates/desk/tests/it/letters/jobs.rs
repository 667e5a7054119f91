//! `desk letters assign`, `desk letters retry --all --background`, `desk letters jobs` and `desk letters cancel-job`

use domain::dead_letter::DeadLetterReason::{CannotBeApplied, Refused, Undecodable};
use serde_json::{Value, json};

use super::Office;

impl Office {
    async fn jobs(&self, arguments: &str) -> Vec<Value> {
        let ended = self.letters(&format!("jobs --json {arguments}")).await;
        ended.json().as_array().unwrap().clone()
    }
}

// shows: B191
#[tokio::test]
async fn a_letter_is_given_to_a_member_and_found_under_their_name() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    office.event_is_dead_lettered("evt_2", CannotBeApplied).await;
    assert_eq!(office.list("--assignee nobody").await.len(), 2);

    let ended = office.letters("assign 1 --to ben").await;
    let strange = office.letters("assign 2 99 --to dora").await;

    assert_eq!(ended.check(0).stdout, "letter 1: ben's\n");
    assert!(
        strange
            .check(1)
            .stderr
            .contains("letter 2: nobody of that name is a member"),
        "{strange:?}"
    );
    assert!(
        strange.stderr.contains("letter 99: there is no such letter"),
        "{strange:?}"
    );
    let bens = office.list("--assignee ben").await;
    assert_eq!(
        (bens.len(), &bens[0]["id"], &bens[0]["assignee"]),
        (1, &json!(1), &json!("ben"))
    );
    let shown = office.letters("show 1").await;
    assert!(shown.check(0).stdout.contains("open, taken by ben"), "{shown:?}");
    assert!(
        shown
            .stdout
            .contains("The database refused what the platform told"),
        "{shown:?}"
    );
    office.letters("assign 1 --to-nobody").await.check(0);
    assert_eq!(office.list("--assignee nobody").await.len(), 2);
}

// shows: B193
#[tokio::test]
async fn a_job_is_made_for_what_matches_now_and_carried_out_by_any_desk() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    for id in ["evt_1", "evt_2", "evt_3"] {
        office.event_is_dead_lettered(id, CannotBeApplied).await;
    }
    office.event_is_dead_lettered("evt_4", Undecodable).await;

    let dry = office
        .letters("retry --all --kind events --background --dry-run")
        .await;
    let made = office
        .letters("retry --all --reason cannot_be_applied --background --note overnight")
        .await;
    office.event_is_dead_lettered("evt_5", CannotBeApplied).await;
    let waiting = office.jobs("").await;
    let done = office.jobs("--work").await;

    assert_eq!(dry.check(0).stdout, "4 letters: 4 would be retried\n");
    assert_eq!(
        made.check(0).stdout,
        "job 1: 3 letters; desk letters jobs shows how far it is\n"
    );
    assert_eq!(
        (
            &waiting[0]["state"],
            &waiting[0]["decided"],
            &waiting[0]["filter"]
        ),
        (&json!("running"), &json!(0), &json!("reason=cannot_be_applied"))
    );
    assert_eq!(
        (
            &done[0]["state"],
            &done[0]["done"],
            &done[0]["total"],
            &done[0]["made_by"]
        ),
        (&json!("done"), &json!(3), &json!(3), &json!("anna"))
    );
    assert_eq!(office.list("").await.len(), 3);
    let trail = office.trail().await;
    let retried: Vec<&Value> = trail
        .iter()
        .filter(|row| row["action"] == "letter_retried")
        .collect();
    assert_eq!(retried.len(), 3);
    assert!(
        retried
            .iter()
            .all(|row| row["actor"] == "anna" && row["reason"] == "overnight"),
        "{retried:?}"
    );
}

// shows: B193
#[tokio::test]
async fn a_job_tells_what_it_refused_and_its_dry_run_has_told_the_same() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    office.list("").await;
    office
        .database
        .execute("UPDATE messages SET state = 'delivered', reason = NULL")
        .await;

    let dry = office.letters("retry --all --background --dry-run").await;
    office.letters("retry --all --background").await.check(0);
    let done = office.jobs("--work").await;

    assert_eq!(
        dry.check(0).stdout,
        "1 letter: 0 would be retried, 1 refused (sent_after_all 1)\n"
    );
    assert_eq!(
        (&done[0]["done"], &done[0]["refused"]),
        (&json!(0), &json!({ "sent_after_all": 1 }))
    );
}

// shows: B193
#[tokio::test]
async fn a_job_is_cancelled_and_one_whose_maker_has_left_fails() {
    let office = Office::open().await;
    office.event_is_dead_lettered("evt_1", CannotBeApplied).await;
    for _ in 0..2 {
        office
            .letters_by("ben", "retry --all --background")
            .await
            .check(0);
    }

    let cancelled = office.letters("cancel-job 1").await;
    let again = office.letters("cancel-job 1").await;
    office.by_anna("staff remove ben").await.check(0);
    let jobs = office.jobs("--work").await;

    assert_eq!(cancelled.check(0).stdout, "job 1: cancelled\n");
    assert!(
        again.check(1).stderr.contains("job 1: it is cancelled"),
        "{again:?}"
    );
    let state = |job: usize| (jobs[job]["id"].clone(), jobs[job]["state"].clone());
    assert_eq!(
        [state(0), state(1)],
        [(json!(2), json!("failed")), (json!(1), json!("cancelled"))]
    );
    assert!(
        jobs[0]["failure"]
            .as_str()
            .unwrap()
            .contains("no member of the staff any more"),
        "{jobs:?}"
    );
    assert_eq!(office.list("").await.len(), 1);
}
