//! The audit trail only grows, in the transactions of what it tells, and names no guest.

use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use domain::audit::Action;
use domain::hold::Coverage;
use domain::ids::{LetterId, StaffName};
use domain::staff::Access;
use store::audit::{self, Actor, Filter, Record, Subject};
use store::letters::{self, Word};
use store::notes::{self, Note};
use store::{StoreError, holds};

use crate::scene::{Scene, anna, key};

async fn trail(scene: &Scene, filter: Filter) -> Vec<Record> {
    scene.run(move |c, _| audit::list(c, &filter, 100)).await
}

async fn append(scene: &Scene, by: Actor, action: Action, subject: Subject) {
    scene
        .run(move |c, _| audit::append(c, &by, action, &subject))
        .await;
}

fn ben() -> Actor {
    Actor {
        name: StaffName::parse("ben").unwrap(),
        access: Access::ADMIN,
        reason: None,
    }
}

fn because(scene: &Scene, words: &str) -> Actor {
    Actor {
        reason: Some(Note::seal(words, &scene.planner.ring)),
        ..anna()
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

async fn lines(scene: &Scene, query: &'static str) -> Vec<String> {
    let found: Vec<Line> = scene.run(move |c, _| Ok(sql_query(query).load(c).unwrap())).await;
    found.into_iter().map(|row| row.line).collect()
}

// shows: T26
#[tokio::test]
async fn nobody_changes_or_takes_away_a_row_not_even_the_owner() {
    let scene = Scene::new().await;
    append(&scene, anna(), Action::Paused, Subject::of("paused")).await;

    for statement in [
        "UPDATE audit SET actor = 'ben'",
        "UPDATE audit SET actor = 'ben' WHERE false",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "TRUNCATE staff, audit CASCADE",
        "MERGE INTO audit USING staff ON true WHEN MATCHED THEN DELETE",
        "INSERT INTO audit (actor, action) VALUES ('ben', '') ON CONFLICT (id) DO UPDATE SET actor = 'ben'",
    ] {
        let tried = scene.store.run(move |c| Ok(c.batch_execute(statement))).await;
        let error = tried.unwrap().unwrap_err().to_string();
        assert!(
            error.contains("the audit trail is append-only"),
            "{statement}: {error}"
        );
    }

    let [row] = &trail(&scene, Filter::default()).await[..] else {
        panic!("not one row")
    };
    assert_eq!((row.actor.as_str(), row.action.as_str()), ("anna", "paused"));
    // A: always, also in sessions that play a replica, which the tests' user may not be allowed to.
    let enabled = "SELECT tgenabled::text AS line FROM pg_trigger WHERE tgname = 'audit_is_append_only'";
    assert_eq!(lines(&scene, enabled).await, ["A"]);
}

// shows: T26
#[tokio::test]
async fn a_deed_that_is_taken_back_leaves_no_row_and_a_row_that_cannot_be_written_no_deed() {
    let scene = Scene::new().await;
    let coverage = || Coverage {
        resort: Some(key("BK-1").resort),
        ..Coverage::default()
    };

    let taken_back = scene
        .try_run(move |c, _| {
            holds::pause(c, &coverage(), &anna())?;
            Err::<(), _>(StoreError::Overtaken)
        })
        .await;
    scene.sql("ALTER TABLE audit ADD CHECK (actor <> 'ben')").await;
    let unwritten = scene
        .try_run(move |c, _| holds::pause(c, &coverage(), &ben()))
        .await;

    assert!(matches!(taken_back, Err(StoreError::Overtaken)));
    assert_eq!(
        unwritten.unwrap_err().to_string(),
        "cannot write into the audit trail"
    );
    assert!(trail(&scene, Filter::default()).await.is_empty());
    assert!(scene.run(|c, _| holds::list(c)).await.is_empty());
}

#[tokio::test]
async fn a_decision_about_a_letter_is_written_down_with_letter_booking_and_reason_and_a_refused_one_is_not() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    let by = because(&scene, "Ada Lovelace called");

    let again = by.clone();
    let corrected = scene
        .run(move |c, p| letters::correct_phone(c, p, letter.id, &again, "+306912345670"))
        .await;
    corrected.unwrap();
    let settled = scene
        .run(move |c, p| letters::settle(c, p, letter.id, &by, Word::Sent))
        .await;
    settled.unwrap();
    let too_late = scene
        .run(move |c, p| letters::retry(c, p, letter.id, &ben()))
        .await;
    too_late.unwrap_err();

    let found = trail(&scene, Filter::default()).await;
    let told: Vec<_> = found
        .iter()
        .map(|row| {
            let place = (row.resort.as_deref(), row.booking.as_deref(), row.letter);
            (row.action.as_str(), row.details.as_str(), place)
        })
        .collect();
    let place = (Some("azure-bay"), Some("BK-1"), Some(letter.id));
    assert_eq!(
        told,
        [("letter_settled", "sent", place), ("phone_corrected", "", place)]
    );
    assert_eq!(
        found[1].phone_hash,
        Some(scene.planner.ring.lookup("+306912345670").to_vec())
    );
    // One note for both.
    let keys: Vec<_> = found.iter().filter_map(|row| row.reason.clone()).collect();
    let read = scene
        .run(move |c, planner| notes::read(c, &planner.ring, &keys))
        .await;
    assert_eq!(
        read.into_values().collect::<Vec<_>>(),
        [Ok("Ada Lovelace called".to_owned())]
    );
}

// shows: T27
#[tokio::test]
async fn the_trail_and_its_notes_hold_no_name_and_no_number() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    let by = because(&scene, "Ada Lovelace, +306912345678");
    scene
        .run(move |c, p| letters::correct_phone(c, p, letter.id, &by, "+306912345670"))
        .await
        .unwrap();
    append(
        &scene,
        anna(),
        Action::BookingRevealed,
        Subject::from(&key("BK-1")),
    )
    .await;

    let dump = "SELECT audit::text AS line FROM audit UNION ALL SELECT notes::text FROM notes";
    let rows = lines(&scene, dump).await;

    assert_eq!(rows.len(), 3);
    for needle in ["Ada", "Lovelace", "69123456"] {
        assert!(!rows.iter().any(|row| row.contains(needle)), "{needle}: {rows:?}");
        let hex: String = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!rows.iter().any(|row| row.contains(&hex)), "{needle}: {rows:?}");
    }
}

#[tokio::test]
async fn the_trail_is_read_newest_first_by_person_action_booking_and_time() {
    let scene = Scene::new().await;
    append(
        &scene,
        anna(),
        Action::BookingRevealed,
        Subject::from(&key("BK-1")),
    )
    .await;
    append(
        &scene,
        ben(),
        Action::BookingRevealed,
        Subject::from(&key("BK-2")),
    )
    .await;
    let letter = Subject {
        letter: Some(LetterId(7)),
        ..Subject::from(&key("BK-2"))
    };
    append(&scene, anna(), Action::LetterRevealed, letter).await;
    let actors = async |filter: Filter| -> Vec<String> {
        let found = trail(&scene, filter).await;
        found
            .into_iter()
            .map(|row| format!("{} {}", row.actor, row.action))
            .collect()
    };
    let all = [
        "anna letter_revealed",
        "ben booking_revealed",
        "anna booking_revealed",
    ];

    assert_eq!(actors(Filter::default()).await, all);
    let of_ben = Filter {
        actor: Some(ben().name),
        ..Filter::default()
    };
    assert_eq!(actors(of_ben).await, all[1..2]);
    let looks = Filter {
        action: Some(Action::BookingRevealed),
        ..Filter::default()
    };
    assert_eq!(actors(looks).await, all[1..]);
    let of_booking = Filter {
        booking: Some(key("BK-2")),
        ..Filter::default()
    };
    assert_eq!(actors(of_booking).await, all[..2]);
    let later = Filter {
        since: Some(Utc::now() + TimeDelta::hours(1)),
        ..Filter::default()
    };
    assert!(actors(later).await.is_empty());
    let newest = scene.run(|c, _| audit::list(c, &Filter::default(), 1)).await;
    assert_eq!((newest.len(), newest[0].letter), (1, Some(LetterId(7))));
}
