//! Webhooks out: each row is one process's at a time, and what triggers count as not delivered is what the domain says.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::webhook_out::{UNREACHED, WebhookEvent};
use store::webhooks_out::{self, Claimed, Subscriptions, Webhook};
use uuid::Uuid;

use crate::scene::{Scene, key};

fn webhook(resort: &str) -> Webhook {
    Webhook {
        id: Uuid::now_v7(),
        resort: domain::ids::ResortId::parse(resort).unwrap(),
        event: WebhookEvent::DeadLetter,
        booking: Some(key("BK-1")),
        phone_hash: None,
        details: [("letter".to_owned(), 7.into())].into_iter().collect(),
        occurred_at: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
    }
}

impl Scene {
    async fn has_sent(&self, webhook: &Webhook) {
        let webhook = webhook.clone();
        self.run(move |c, _| webhooks_out::insert(c, &webhook)).await;
    }

    async fn claims_webhook(&self, lease: Duration) -> Option<Claimed> {
        let resort = key("BK-1").resort;
        self.run(move |c, _| webhooks_out::claim(c, &resort, lease)).await
    }

    async fn text(&self, query: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            text: String,
        }
        let query = query.to_owned();
        self.run(move |c, _| {
            let row: Row = diesel::RunQueryDsl::get_result(diesel::sql_query(query), c).unwrap();
            Ok(row.text)
        })
        .await
    }
}

#[tokio::test]
async fn a_webhook_is_claimed_by_one_process_until_its_lease_ends_and_comes_back_as_it_was() {
    let scene = Scene::new().await;
    let (webhook, other) = (webhook("azure-bay"), webhook("olive-hill"));
    scene.has_sent(&webhook).await;
    scene.has_sent(&webhook).await;
    scene.has_sent(&other).await;

    let first = scene.claims_webhook(Duration::ZERO).await.unwrap();
    let second = scene.claims_webhook(Duration::from_secs(30)).await.unwrap();
    assert!(scene.claims_webhook(Duration::from_secs(30)).await.is_none());
    // The first process finishes late: the webhook is another's by now.
    scene.run(move |c, _| webhooks_out::remove(c, &first)).await;
    let later = second.clone();
    scene
        .run(move |c, _| webhooks_out::put_off(c, &later, Duration::ZERO, Some("no answer in time")))
        .await;
    let id = webhook.id;
    let standing = scene.run(move |c, _| webhooks_out::standing(c, id)).await;
    assert_eq!(standing.unwrap().last_error.as_deref(), Some("no answer in time"));
    let third = scene.claims_webhook(Duration::ZERO).await.unwrap();

    assert_eq!(second.webhook, webhook);
    assert_eq!((third.attempt, third.failures), (3, 1));
    scene.run(move |c, _| webhooks_out::remove(c, &third)).await;
    let figures = scene.run(|c, _| webhooks_out::figures(c)).await;
    assert_eq!(figures.waiting, 1);
    let waiting = scene.run(|c, _| webhooks_out::list_waiting(c)).await;
    assert_eq!((waiting.len(), &waiting[0].resort), (1, &other.resort));
}

#[tokio::test]
async fn subscriptions_are_what_the_files_say_and_those_of_broken_files_stay() {
    let scene = Scene::new().await;
    let id = |resort: &str| domain::ids::ResortId::parse(resort).unwrap();
    let noted = async |files: Subscriptions| {
        scene.run(move |c, _| webhooks_out::subscribe(c, &files)).await;
        let all = "SELECT coalesce(string_agg(resort || ' ' || event, ', ' ORDER BY resort, event), '') AS text \
                   FROM webhook_subscriptions";
        scene.text(all).await
    };
    let every = BTreeSet::from(["a", "b", "c"].map(id));
    let wanted = ["a", "b", "c"].map(|resort| (id(resort), WebhookEvent::Alert));

    let first = noted(Subscriptions {
        readable: every.clone(),
        with_file: every,
        wanted: BTreeSet::from(wanted),
    });
    assert_eq!(first.await, "a alert, b alert, c alert");

    // The file of b is broken, and c has none any more.
    let second = noted(Subscriptions {
        readable: BTreeSet::from([id("a")]),
        with_file: BTreeSet::from(["a", "b"].map(id)),
        wanted: BTreeSet::from([(id("a"), WebhookEvent::Answered)]),
    });
    assert_eq!(second.await, "a answered, b alert");
}

#[tokio::test]
async fn the_triggers_tell_of_messages_for_the_reasons_that_the_domain_names() {
    let scene = Scene::new().await;
    let reasons: BTreeSet<String> = UNREACHED.iter().map(|reason| format!("'{reason}'")).collect();

    for trigger in ["tell_when_not_delivered", "tell_when_never_deliverable"] {
        let query =
            format!("SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE tgname = '{trigger}'");
        let definition = scene.text(&query).await;
        let (_, listed) = definition.split_once("reason = ANY (ARRAY[").unwrap();
        let (listed, _) = listed.split_once(']').unwrap();
        let listed: BTreeSet<String> = listed
            .split(", ")
            .map(|one| one.trim_end_matches("::text").to_owned())
            .collect();
        assert_eq!(listed, reasons, "{definition}");
    }
}
