//! What a program that is taken over could do in Postgres and RabbitMQ: no more than its work. That what `deploy/` grants
//! is enough, all other tests show, whose programs have no more.
//!
//! Only on private servers: roles and users belong to a whole server.

use std::collections::BTreeSet;

use broker::consumer::Consumer;
use broker::publisher::{Options, Outgoing, Publisher};
use broker::topology::{self, Queue};
use broker::{Address, Status};
use diesel::sql_types::{Bool, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use store::rights::{self, Granted, ROLES};
use testkit::database::Database;
use testkit::rights::Rights;
use testkit::vhost::Vhost;

const PROGRAMS: [&str; 4] = ["ingest", "processor", "sender", "desk"];

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    is: bool,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

struct Servers {
    rights: Rights,
    database: Database,
    vhost: Vhost,
}

impl Servers {
    async fn start() -> Self {
        let (database, vhost) = tokio::join!(Database::create(), Vhost::create());
        topology::declare(&Address::parse(&vhost.url()).unwrap())
            .await
            .unwrap();
        let rights = Rights::arrange(&vhost).await.unwrap();
        Self {
            rights,
            database,
            vhost,
        }
    }

    fn postgres_as(&self, program: &str) -> PgConnection {
        PgConnection::establish(&self.rights.url(program, &self.database.url())).unwrap()
    }

    fn rabbitmq_as(&self, program: &str) -> Address {
        Address::parse(&self.rights.url(program, &self.vhost.url())).unwrap()
    }
}

fn is_refused(connection: &mut PgConnection, statement: &str) -> bool {
    let error = sql_query(statement).execute(connection).unwrap_err().to_string();
    error.contains("permission denied") || error.contains("must be owner")
}

#[tokio::test]
async fn each_programs_role_is_one_of_its_own() {
    let servers = Servers::start().await;

    for program in ["processor", "sender", "desk"] {
        let me: Named = sql_query("SELECT current_user::text AS name")
            .get_result(&mut servers.postgres_as(program))
            .unwrap();
        assert_eq!(me.name, format!("bellhop_{program}"));
    }
    assert!(!ROLES.contains(&"bellhop_ingest"));
}

// shows: T28
#[tokio::test]
async fn a_sender_reads_no_event_and_knows_only_how_far_they_were_heard() {
    let servers = Servers::start().await;
    let sender = &mut servers.postgres_as("sender");

    for forbidden in [
        "SELECT sealed_body FROM events",
        "SELECT key FROM events",
        "DELETE FROM events",
        "SELECT * FROM suspects",
    ] {
        assert!(is_refused(sender, forbidden), "{forbidden}");
    }
    sql_query("SELECT until FROM heard").execute(sender).unwrap();
}

// shows: T28
#[tokio::test]
async fn no_program_deletes_what_it_should_keep_or_changes_the_schema() {
    let servers = Servers::start().await;

    for program in ["processor", "sender", "desk"] {
        let connection = &mut servers.postgres_as(program);
        for table in ["events", "bookings", "messages", "letters", "guests"] {
            for forbidden in [
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table} CASCADE"),
                format!("ALTER TABLE {table} ADD COLUMN more text"),
                format!("DROP TABLE {table} CASCADE"),
            ] {
                assert!(is_refused(connection, &forbidden), "{program}: {forbidden}");
            }
        }
        for forbidden in [
            "CREATE TABLE mine (id integer)",
            "DELETE FROM __diesel_schema_migrations",
            "CREATE ROLE another",
        ] {
            assert!(is_refused(connection, forbidden), "{program}: {forbidden}");
        }
    }
}

// shows: T28
#[tokio::test]
async fn a_desk_neither_invents_events_nor_rewrites_what_was_heard() {
    let servers = Servers::start().await;
    let desk = &mut servers.postgres_as("desk");

    for forbidden in [
        "INSERT INTO events (key, source, event_type, received_at, request_id, outcome) \
         VALUES ('a/b', 'a', 'booking_started', now(), 'r', 'applied')",
        "UPDATE events SET outcome = 'ignored'",
        "INSERT INTO bookings (key, resort, id, status, sealed_facts) VALUES ('a/b', 'a', 'b', 'started', '')",
    ] {
        assert!(is_refused(desk, forbidden), "{forbidden}");
    }
}

// shows: T26
#[tokio::test]
async fn a_desk_only_adds_to_the_audit_trail_and_the_others_know_none() {
    let servers = Servers::start().await;
    let add = "INSERT INTO audit (actor, action) VALUES ('anna', 'paused')";
    sql_query(add).execute(&mut servers.postgres_as("desk")).unwrap();

    for program in ["processor", "sender", "desk"] {
        let connection = &mut servers.postgres_as(program);
        for forbidden in [
            "UPDATE audit SET actor = 'ben'",
            "DELETE FROM audit",
            "TRUNCATE audit",
            "ALTER TABLE audit DISABLE TRIGGER ALL",
            "INSERT INTO audit (actor, action, at) VALUES ('ben', 'paused', '2020-01-01')",
        ] {
            assert!(is_refused(connection, forbidden), "{program}: {forbidden}");
        }
        for hidden in [
            add,
            "SELECT * FROM audit",
            "SELECT * FROM staff",
            "SELECT * FROM notes",
        ] {
            assert!(
                program == "desk" || is_refused(connection, hidden),
                "{program}: {hidden}"
            );
        }
    }
    assert_eq!(
        servers
            .database
            .count("SELECT count(*) AS count FROM audit")
            .await,
        1
    );
}

// shows: T29
#[tokio::test]
async fn what_was_granted_beyond_the_grants_is_taken_back() {
    let servers = Servers::start().await;
    let owner = &mut PgConnection::establish(&servers.database.url()).unwrap();
    let may_delete = "SELECT has_table_privilege('bellhop_sender', 'events', 'DELETE') AS is";
    sql_query("GRANT ALL ON events TO bellhop_sender")
        .execute(owner)
        .unwrap();
    assert!(sql_query(may_delete).get_result::<Is>(owner).unwrap().is);

    let granted = rights::grant(owner).unwrap();

    assert_eq!(granted, Granted::EachItsOwn);
    assert!(!sql_query(may_delete).get_result::<Is>(owner).unwrap().is);
}

// shows: T29
#[tokio::test]
async fn what_everybody_was_granted_is_taken_back_too() {
    let servers = Servers::start().await;
    let owner = &mut PgConnection::establish(&servers.database.url()).unwrap();
    for given in [
        "GRANT ALL ON events TO PUBLIC",
        "GRANT SELECT (sealed_note) ON notes TO PUBLIC",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
    ] {
        sql_query(given).execute(owner).unwrap();
    }
    let sender = &mut servers.postgres_as("sender");
    sql_query("SELECT sealed_body FROM events")
        .execute(sender)
        .unwrap();

    rights::grant(owner).unwrap();

    for forbidden in [
        "SELECT sealed_body FROM events",
        "SELECT sealed_note FROM notes",
        "CREATE TABLE mine (id integer)",
    ] {
        assert!(is_refused(sender, forbidden), "{forbidden}");
    }
}

async fn may_publish(publisher: &Publisher, queue: Queue) -> bool {
    let message = Outgoing {
        queue,
        message_id: "1".to_owned(),
        kind: "test".to_owned(),
        cause: None,
        trace: None,
        body: Vec::new(),
    };
    // A refusal before has closed the channel.
    publisher.status().wait_for(Status::is_ready).await.unwrap();
    publisher.publish(message).await.is_ok()
}

async fn may_take(address: &Address, publisher: &Publisher, queue: Queue) -> bool {
    let mut consumer = Consumer::new(address.clone(), queue, 1, publisher.clone());
    let mut status = consumer.status();
    let first = status.borrow().clone();
    let may = tokio::select! {
        _ = consumer.next_batch(1) => true,
        known = status.wait_for(|status| *status != first) => known.unwrap().is_ready(),
    };
    consumer.stop().await;
    may
}

// shows: T28
#[tokio::test]
async fn each_program_publishes_and_takes_only_what_it_must_and_declares_nothing() {
    let servers = Servers::start().await;
    let mut may = BTreeSet::new();

    for program in PROGRAMS {
        let address = servers.rabbitmq_as(program);
        topology::verify(&address).await.unwrap();
        assert!(topology::declare(&address).await.is_err(), "{program} declares");
        let publisher = Publisher::start(address.clone(), Options::named("test"));
        for queue in Queue::ALL {
            if may_publish(&publisher, queue).await {
                may.insert(format!("{program} publishes to {}", queue.name()));
            }
            if may_take(&address, &publisher, queue).await {
                may.insert(format!("{program} takes from {}", queue.name()));
            }
        }
        publisher.stop().await;
    }

    let expected = [
        "ingest publishes to events",
        "processor takes from events",
        "processor publishes to events",
        "processor publishes to messages",
        "processor publishes to dead.events",
        "processor publishes to dead.messages",
        "sender takes from messages",
        "desk publishes to events",
        "desk takes from dead.events",
        "desk takes from dead.messages",
    ];
    assert_eq!(may, expected.map(str::to_owned).into());
}
