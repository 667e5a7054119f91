//! Jobs are carried out by one desk at a time, and count each letter once.

use domain::ids::LetterId;
use domain::letter_job::{JobAction, JobState};
use domain::staff::Access;
use store::StoreError;
use store::audit::Actor;
use store::letters::jobs::{self, Job, Lease, NewJob};
use store::letters::{self, Filter};
use store::notes::Note;
use store::staff::{self, Identity};
use uuid::Uuid;

use super::assigning::{name, of_resort};
use super::event_letter;
use crate::scene::{Scene, anna};

fn ben() -> Actor {
    Actor {
        name: name("ben"),
        access: of_resort("azure-bay"),
        reason: None,
    }
}

impl Scene {
    async fn job(&self, by: Actor) -> i64 {
        let job = NewJob {
            action: JobAction::Close,
            filter: "kind=events".to_owned(),
            last_letter: LetterId(7),
            total: 3,
        };
        self.run(move |c, _| jobs::make(c, &by, &job)).await
    }

    async fn take_job(&self) -> Option<(Job, Lease)> {
        let token = Uuid::now_v7();
        let job = self.run(move |c, _| jobs::claim(c, token)).await?;
        let lease = Lease { job: job.id, token };
        Some((job, lease))
    }

    async fn fifteen_seconds_go_by(&self) {
        self.sql("UPDATE letter_jobs SET lease_until = lease_until - interval '15 seconds'")
            .await;
    }

    async fn find(&self, job: i64) -> Job {
        self.run(move |c, _| jobs::find(c, job)).await.unwrap()
    }
}

// shows: B193
#[tokio::test]
async fn a_job_is_one_desks_until_its_lease_is_over_and_then_another_ones() {
    let scene = Scene::with_staff().await;
    let id = scene.job(anna()).await;
    let (job, first) = scene.take_job().await.unwrap();
    assert_eq!(
        (job.id, job.action, job.state),
        (id, Some(JobAction::Close), JobState::Running)
    );
    assert!(scene.take_job().await.is_none());
    assert!(scene.find(id).await.is_attended);

    scene.fifteen_seconds_go_by().await;
    let (_, second) = scene.take_job().await.unwrap();

    let late = scene
        .store
        .transaction(move |c| jobs::count(c, first, LetterId(1), "closed"))
        .await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    scene
        .run(move |c, _| jobs::count(c, second, LetterId(1), "closed"))
        .await;
    scene
        .run(move |c, _| jobs::count(c, second, LetterId(2), "too_late"))
        .await;
    scene.run(move |c, _| jobs::finish(c, second, None)).await;
    let job = scene.find(id).await;
    assert_eq!(
        (job.state, job.decided(), job.position),
        (JobState::Done, 2, LetterId(2))
    );
    assert_eq!((job.counts["closed"], job.counts["too_late"]), (1, 1));
    assert!(scene.take_job().await.is_none());
}

// shows: B193
#[tokio::test]
async fn what_a_desk_decides_without_its_lease_is_undone_with_its_count() {
    let scene = Scene::with_staff().await;
    scene.found(vec![event_letter("direct/evt_1", None)]).await;
    let letter = scene.letters(Filter::default()).await[0].id;
    let id = scene.job(anna()).await;
    let (_, lease) = scene.take_job().await.unwrap();
    assert!(scene.run(move |c, _| jobs::cancel(c, &anna(), id)).await);

    let closed = scene
        .store
        .transaction(move |c| {
            letters::close(c, letter, &anna())?.unwrap();
            jobs::count(c, lease, letter, "closed")
        })
        .await;

    assert!(matches!(closed, Err(StoreError::LeaseLost)), "{closed:?}");
    assert!(scene.letter(letter).await.ending.is_none());
    let job = scene.find(id).await;
    assert_eq!((job.state, job.decided()), (JobState::Cancelled, 0));
    assert!(!scene.run(move |c, _| jobs::cancel(c, &anna(), id)).await);
}

#[tokio::test]
async fn what_is_put_off_is_kept_until_it_is_counted() {
    let scene = Scene::with_staff().await;
    let id = scene.job(anna()).await;
    let (_, lease) = scene.take_job().await.unwrap();

    for letter in [1, 2] {
        scene
            .run(move |c, _| jobs::postpone(c, lease, LetterId(letter)))
            .await;
    }
    scene
        .run(move |c, _| jobs::count(c, lease, LetterId(3), "retried"))
        .await;
    scene
        .run(move |c, _| jobs::count(c, lease, LetterId(1), "retried"))
        .await;

    let job = scene.find(id).await;
    assert_eq!(job.postponed, [LetterId(2)]);
    assert_eq!((job.position, job.counts["retried"]), (LetterId(3), 2));
}

// shows: B193
#[tokio::test]
async fn a_job_acts_for_its_maker_only_while_they_may_do_as_much_as_when_they_made_it() {
    let scene = Scene::with_staff().await;
    let because = Actor {
        reason: Some(Note::seal("a test", &scene.planner.ring)),
        ..ben()
    };
    scene.job(because).await;
    let (job, _) = scene.take_job().await.unwrap();
    let maker = async || {
        let job = job.clone();
        scene.run(move |c, _| jobs::maker(c, &job)).await
    };
    let becomes = async |access: Access| {
        let to = Identity {
            name: name("ben"),
            access,
        };
        scene
            .run(move |c, _| staff::change(c, &anna(), &to))
            .await
            .unwrap();
    };

    let by = maker().await.unwrap();
    assert_eq!((by.name, by.access), (name("ben"), of_resort("azure-bay")));
    assert!(by.reason.is_some());
    becomes(Access::ADMIN).await;
    assert!(maker().await.is_some());
    becomes(of_resort("olive-hill")).await;
    assert!(maker().await.is_none());
    becomes(of_resort("azure-bay")).await;
    assert!(maker().await.is_some());
    scene
        .run(|c, _| staff::remove(c, &anna(), &name("ben")))
        .await
        .unwrap();
    assert!(maker().await.is_none());
}

#[tokio::test]
async fn who_works_for_some_resorts_cancels_their_own_jobs_and_no_others() {
    let scene = Scene::with_staff().await;
    let (annas, bens) = (scene.job(anna()).await, scene.job(ben()).await);

    let refused = scene
        .store
        .transaction(move |c| jobs::cancel(c, &ben(), annas))
        .await;
    let cancelled = scene.run(move |c, _| jobs::cancel(c, &ben(), bens)).await;

    assert!(matches!(refused, Err(StoreError::Forbidden(_))), "{refused:?}");
    assert!(cancelled);
    assert_eq!(scene.find(annas).await.state, JobState::Running);
}
