//! `desk letters retry` of platforms' requests that could not be mapped

use std::fs;

use broker::consumer::Consumer;
use broker::dead_letter::Cause;
use broker::envelope::{Envelope, FETCH, UNMAPPABLE};
use broker::publisher::Outgoing;
use broker::sealing::{self, Head};
use broker::topology::Queue;
use crypto::key_ring::KeyRing;
use domain::dead_letter::DeadLetterReason::{CannotBeApplied, Unmappable};
use domain::event::{Event, EventKey, EventType};
use domain::ids::{EventId, SourceId};
use foreign_json::Document;
use mapping::Kept;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Office;
use crate::program::{CONFIG, Ended, KEYS};

const SOURCE: &str = r#"
resorts = ["azure-bay"]
[auth]
scheme = "url-token"
secrets = ["env:TOKEN"]
"#;

/// Its platform has renamed the reference of a booking.
const BEFORE: &str = r#"
[map]
event = ["status"]
when = [["started", "booking_started"], ["booked", "reservation_confirmed"], ["noise", "ignored"]]
occurred_at = "at"
[map.booking]
id = "number"
[map.guest]
phone = "guest.phone"
"#;

struct Rooms {
    office: Office,
    folder: TempDir,
}

impl Rooms {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["resorts", "sources"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        let resort = "resorts/azure-bay.toml";
        fs::copy(format!("{CONFIG}/{resort}"), folder.path().join(resort)).unwrap();
        let rooms = Self {
            office: Office::open().await,
            folder,
        };
        rooms.source_is(BEFORE);
        rooms
    }

    fn source_is(&self, map: &str) {
        fs::write(
            self.folder.path().join("sources/rooms.toml"),
            format!("{SOURCE}{map}"),
        )
        .unwrap();
    }

    fn source_is_mended(&self) {
        self.source_is(&BEFORE.replace("\"number\"", "\"reference\""));
    }

    /// A request is a dead letter, as `processor` makes it.
    async fn request_is_dead_lettered(&self, number: u32, body: Value) {
        let received_at = format!("2026-11-2{number}T08:00:00Z").parse().unwrap();
        let key = EventKey {
            source: SourceId::parse("rooms").unwrap(),
            id: EventId::parse(&format!("request-{number}")).unwrap(),
        };
        let head = Head {
            faults: vec!["booking.id: missing".to_owned()],
            ..Head::new(key, UNMAPPABLE, received_at, format!("r-{number}"))
        };
        let kept = Kept {
            body: Document::from(&body),
            headers: [].into(),
            query: [].into(),
            received_at,
            body_hash: None,
            element: None,
        };
        let sealed = sealing::seal(&KeyRing::parse(KEYS).unwrap(), head, &kept).unwrap();
        let cause = Cause {
            reason: Unmappable,
            error: "booking.id: missing".to_owned(),
            attempts: 1,
            dead_lettered_at: Some(received_at),
        };
        let letter = Outgoing {
            queue: Queue::DeadEvents,
            cause: Some(cause),
            ..sealed
        };
        self.office.publisher.publish(letter).await.unwrap();
    }

    async fn three_requests_are_dead_lettered(&self) {
        let guest = json!({"phone": "+306912345678"});
        let booked =
            json!({"status": "booked", "reference": "R-1", "at": "2026-11-20T10:00:00Z", "guest": guest});
        let started = json!({"status": "started", "reference": "R-2", "at": "2026-11-20T11:00:00Z"});
        let booked_later = json!({"status": "booked", "reference": "R-3"});
        for (number, body) in [(1, booked), (2, started), (3, booked_later)] {
            self.request_is_dead_lettered(number, body).await;
        }
    }

    async fn letters(&self, arguments: &str) -> Ended {
        let arguments = format!("letters {arguments}");
        self.office.by_anna_with(self.folder.path(), &arguments, "").await
    }

    /// In the audit trail.
    async fn retries(&self) -> usize {
        let trail = self.office.trail().await;
        trail
            .iter()
            .filter(|row| row["action"] == "letter_retried")
            .count()
    }

    /// The next events of the queue.
    async fn events(&self) -> Vec<Envelope> {
        let (address, publisher) = (self.office.address.clone(), self.office.publisher.clone());
        let mut consumer = Consumer::new(address, Queue::Events, 10, publisher);
        let batch = consumer.next_batch(10).await;
        batch
            .iter()
            .map(|delivery| Envelope::decode(&delivery.body).unwrap())
            .collect()
    }
}

fn event(envelope: &Envelope) -> Event {
    let ring = KeyRing::parse(KEYS).unwrap();
    let opened = ring.open(&envelope.sealed, &envelope.identity()).unwrap();
    serde_json::from_slice(&opened).unwrap()
}

#[tokio::test]
async fn a_mended_mapping_takes_what_it_could_not_read_with_the_time_at_which_it_came() {
    let rooms = Rooms::open().await;
    rooms.three_requests_are_dead_lettered().await;
    let all = "retry --all --reason unmappable --source rooms";

    let before = rooms.letters(&format!("{all} --dry-run")).await;
    rooms.source_is_mended();
    let rehearsed = rooms.letters(&format!("{all} --dry-run")).await;
    let json = rooms.letters(&format!("{all} --dry-run --json")).await;
    let still = rooms.office.depths().await.events;
    let retried = rooms.letters(all).await;

    let told =
        "0 would be retried\n3 refused: unmappable\n  3 booking.id: missing\n  1 guest.phone: missing\n";
    assert!(before.check(1).stdout.starts_with(told), "{before:?}");
    let letters = rooms.office.list("").await;
    assert_eq!(
        rehearsed.check(1).stdout,
        "2 would be retried\n  2 reservation_confirmed\n1 refused: unmappable\n  1 guest.phone: missing\n\
         letter 1: reservation_confirmed azure-bay/R-1\nletter 2: refused: guest.phone: missing\n\
         letter 3: reservation_confirmed azure-bay/R-3\n"
    );
    assert_eq!(still, 0);
    let json: Value = serde_json::from_str(&json.check(1).stdout).unwrap();
    assert_eq!(json["becomes"], json!({"reservation_confirmed": 2}));
    assert_eq!(json["faults"], json!({"guest.phone: missing": 1}));
    assert_eq!(
        json["letters"][1],
        json!({"id": 2, "retried": false, "refused": "unmappable", "becomes": [], "faults": ["guest.phone: missing"]})
    );
    let became = json!([{"outcome": "reservation_confirmed", "resort": "azure-bay", "booking": "R-3"}]);
    assert_eq!(json["letters"][2]["becomes"], became);
    assert!(retried.check(1).stdout.starts_with("2 retried\n"), "{retried:?}");
    assert_eq!(
        (letters.len(), &letters[0]["id"], &letters[0]["state"]),
        (1, &2.into(), &"open".into())
    );
    let events = rooms.events().await;
    let times: Vec<_> = events.iter().map(|one| one.received_at.to_rfc3339()).collect();
    assert_eq!(times, ["2026-11-21T08:00:00+00:00", "2026-11-23T08:00:00+00:00"]);
    assert_eq!(events[0].event_type, "reservation_confirmed");
    assert_eq!((events[0].request_id.as_str(), events[0].version), ("r-1", 1));
    let hash = KeyRing::parse(KEYS).unwrap().lookup("+306912345678");
    assert_eq!(events[0].phone_hash.as_deref(), Some(hash.as_slice()));
    let (first, third) = (event(&events[0]), event(&events[1]));
    assert_eq!(first.event_type, EventType::ReservationConfirmed);
    assert_eq!(first.occurred_at.to_rfc3339(), "2026-11-20T10:00:00+00:00");
    // Its platform does not say when it happened.
    assert_eq!(third.occurred_at, events[1].received_at);
    assert_eq!(rooms.retries().await, 2);
}

#[tokio::test]
async fn single_letters_say_what_they_become_and_why_they_stay_open() {
    let rooms = Rooms::open().await;
    rooms.three_requests_are_dead_lettered().await;
    rooms.office.list("").await;
    rooms
        .office
        .event_is_dead_lettered("evt_7", CannotBeApplied)
        .await;
    rooms.source_is_mended();

    let retried = rooms.letters("retry 1 2").await;
    let again = rooms.letters("retry 1").await;
    let of_rooms = rooms.office.list("--source rooms").await;
    let unknown = rooms.letters("list --source roms").await;

    assert_eq!(
        retried.check(1).stdout,
        "letter 1: retried: reservation_confirmed azure-bay/R-1\n"
    );
    assert!(
        retried
            .stderr
            .contains("letter 2: refused: guest.phone: missing\n"),
        "{retried:?}"
    );
    assert!(
        again
            .check(1)
            .stderr
            .contains("letter 1: anna was first: retried at "),
        "{again:?}"
    );
    let ids: Vec<_> = of_rooms
        .iter()
        .map(|letter| (&letter["id"], &letter["source"]))
        .collect();
    assert_eq!(ids, [(&2.into(), &"rooms".into()), (&3.into(), &"rooms".into())]);
    assert!(
        unknown
            .check(1)
            .stderr
            .contains("unknown source roms; the nearest that are known: rooms"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_request_whose_source_or_resort_has_no_good_file_stays_open() {
    let rooms = Rooms::open().await;
    rooms.three_requests_are_dead_lettered().await;
    let mut refused = Vec::new();
    let mut retry = async || {
        let ended = rooms.letters("retry 1").await;
        let line = ended
            .check(1)
            .stderr
            .lines()
            .find(|line| line.starts_with("letter 1: "))
            .unwrap();
        refused.push(line.trim_start_matches("letter 1: refused: ").to_owned());
    };

    rooms.source_is("nonsense = 1");
    retry().await;
    rooms.source_is("");
    retry().await;
    rooms.source_is_mended();
    fs::write(rooms.folder.path().join("resorts/azure-bay.toml"), "name = 7").unwrap();
    retry().await;
    fs::remove_file(rooms.folder.path().join("sources/rooms.toml")).unwrap();
    retry().await;

    assert_eq!(
        refused,
        [
            "the file of its source is broken",
            "the file of its source has neither platform nor [map]",
            "the file of its resort is broken or missing",
            "its source has no file",
        ]
    );
    assert_eq!(rooms.office.depths().await.events, 0);
    assert_eq!(rooms.office.list("").await.len(), 3);
    assert_eq!(rooms.retries().await, 0);
}

#[tokio::test]
async fn elements_that_can_be_mapped_are_published_though_another_keeps_the_letter_open() {
    let rooms = Rooms::open().await;
    let body = json!({"events": [
        {"kind": "noise"},
        {"kind": "booked", "id": "R-1"},
        {"kind": "booked"},
        {"kind": "changed", "id": "R-4"},
    ]});
    rooms.request_is_dead_lettered(1, body).await;
    rooms.source_is(
        r#"
[fetch]
url = "https://api.rooms.example/{booking.id}"
hosts = ["api.rooms.example"]
auth = { scheme = "bearer", secret = "env:ROOMS" }
[map]
each = "events"
event = ["kind"]
when = [["changed", "fetch"], ["booked", "reservation_confirmed"]]
booking.id = "id"
"#,
    );

    let retried = rooms.letters("retry 1").await;

    let told = "letter 1: refused: element 2: booking.id: missing; its other elements: ignored (unmapped_type), \
                reservation_confirmed azure-bay/R-1, fetch azure-bay/R-4\n";
    assert!(retried.check(1).stderr.contains(told), "{retried:?}");
    assert_eq!(rooms.office.list("").await.len(), 1);
    let events = rooms.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].booking.as_ref().unwrap().as_str(), "R-1");
    assert_eq!((events[1].event_type.as_str(), events[1].version), (FETCH, 2));
    let ring = KeyRing::parse(KEYS).unwrap();
    let opened = ring.open(&events[1].sealed, &events[1].identity()).unwrap();
    let kept: Kept = serde_json::from_slice(&opened).unwrap();
    assert_eq!((kept.element, kept.received_at), (Some(3), events[1].received_at));
}
