//! Categories of templates, of several accounts and at once.

use chrono::DateTime;
use store::holds;
use store::known_templates::KnownTemplates;
use store::template_categories::{self, CategoryReport, Recategorised};

use crate::scene::Scene;

const TEMPLATE: &str = "confirmed/en_US";

fn report(account: &str, category: &str, second: i64) -> CategoryReport {
    CategoryReport {
        template: TEMPLATE.to_owned(),
        account: account.to_owned(),
        at: DateTime::from_timestamp(second, 0).unwrap(),
        category: category.to_owned(),
    }
}

async fn learn(scene: &Scene, reports: Vec<CategoryReport>) -> Recategorised {
    scene
        .run(move |c, planner| template_categories::learn(c, planner, reports))
        .await
}

async fn marketing(scene: &Scene) -> Vec<String> {
    let known = scene.run(|c, _| KnownTemplates::read(c)).await;
    known.marketing.into_iter().collect()
}

// shows: B145
#[tokio::test]
async fn a_template_is_marketing_as_long_as_one_account_has_made_it_so() {
    let scene = Scene::with_confirmations_by(TEMPLATE).await;

    let first = learn(&scene, vec![report("1", "MARKETING", 10)]).await;
    let second = learn(&scene, vec![report("2", "MARKETING", 10)]).await;
    let back = learn(&scene, vec![report("1", "UTILITY", 20)]).await;

    assert_eq!((first.laid.len(), second.laid.len()), (1, 0));
    assert!(back.lifted.is_empty());
    assert_eq!(marketing(&scene).await, [TEMPLATE]);
    let last = learn(&scene, vec![report("2", "UTILITY", 20)]).await;
    assert_eq!(last.lifted, first.laid);
    assert!(marketing(&scene).await.is_empty());
    assert!(scene.run(|c, _| holds::list(c)).await.is_empty());
}

#[tokio::test]
async fn the_newest_report_counts_in_whatever_order_they_arrive() {
    let scene = Scene::with_confirmations_by(TEMPLATE).await;

    let together = vec![report("1", "UTILITY", 20), report("1", "MARKETING", 10)];
    let changes = learn(&scene, together).await;
    let late = learn(&scene, vec![report("1", "MARKETING", 19)]).await;

    assert_eq!(changes.laid, changes.lifted, "laid and lifted in one transaction");
    assert_eq!(late, Recategorised::default());
    assert!(marketing(&scene).await.is_empty());
}
