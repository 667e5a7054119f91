//! How `DATABASE_URL` is read, held against libpq itself, and what is told of connections that are refused.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use proptest::prelude::*;
use store::{DatabaseUrl, Fault, Store, StoreError};
use testkit::database::Database;

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

/// What libpq itself says of a text: where it tried to connect, or why it did not.
fn libpq(text: &str) -> String {
    match PgConnection::establish(text) {
        Ok(_) => panic!("something listens at the end of {text}"),
        Err(error) => error.to_string(),
    }
}

pub(crate) async fn setting(store: &Store, name: &'static str) -> String {
    let asked = store.run(move |connection| {
        let row: Setting = sql_query(format!("SELECT current_setting('{name}') AS value"))
            .get_result(connection)
            .unwrap();
        Ok(row.value)
    });
    asked.await.unwrap()
}

fn store(text: &str) -> Store {
    Store::new(&DatabaseUrl::parse(text).unwrap(), 2, "test")
}

/// What is told once the first attempt has failed.
async fn refusal(text: &str) -> String {
    let store = store(text);
    let told = async {
        loop {
            match store.check().await {
                Err(told) if told != "Postgres does not answer" => return told,
                Err(_) => {}
                Ok(()) => panic!("it connects"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.unwrap()
}

/// Says yes to every client that asks for TLS, which is when libpq looks for the authorities that it shall trust.
fn promising_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut asked = [0; 8];
            let _ = connection
                .read_exact(&mut asked)
                .and_then(|()| connection.write_all(b"S"));
        }
    });
    address
}

#[tokio::test]
async fn work_beyond_the_pools_size_waits_and_readiness_does_not_wait_for_it() {
    let database = Database::create().await;
    let store = Store::new(&DatabaseUrl::parse(&database.url()).unwrap(), 1, "test");
    let (started, begun) = tokio::sync::oneshot::channel();
    let (finish, finished) = std::sync::mpsc::channel::<()>();
    let busy = store.clone();
    let busy = tokio::spawn(async move {
        busy.run(move |_| {
            started.send(()).unwrap();
            finished.recv().unwrap();
            Ok(())
        })
        .await
    });
    begun.await.unwrap();
    let waiting = setting(&store, "application_name");
    tokio::pin!(waiting);

    // Longer than the pool waits for a connection.
    let long = tokio::time::timeout(Duration::from_millis(2_500), &mut waiting);
    assert!(long.await.is_err(), "the only connection is in use");
    assert_eq!(store.check().await, Ok(()));
    finish.send(()).unwrap();

    assert_eq!(waiting.await, "test");
    busy.await.unwrap().unwrap();
}

fn backend_of(connection: &mut PgConnection) -> Result<i32, StoreError> {
    let row: Setting = sql_query("SELECT pg_backend_pid()::text AS value").get_result(connection)?;
    Ok(row.value.parse().unwrap())
}

async fn backend(store: &Store) -> Result<i32, StoreError> {
    store.run(backend_of).await
}

async fn backends_at_once(store: &Store) -> (i32, i32) {
    let both = Arc::new(Barrier::new(2));
    let held = || {
        let both = Arc::clone(&both);
        store.run(move |connection| {
            both.wait();
            backend_of(connection)
        })
    };
    let (one, other) = tokio::join!(held(), held());
    (one.unwrap(), other.unwrap())
}

#[tokio::test]
async fn work_uses_the_connection_that_there_is_and_no_other_is_made() {
    let database = Database::create().await;
    let store = Store::new(&DatabaseUrl::parse(&database.url()).unwrap(), 5, "test");
    let first = backend(&store).await.unwrap();

    for _ in 0..5 {
        assert_eq!(backend(&store).await.unwrap(), first);
    }

    let of_this = "SELECT count(*) AS count FROM pg_stat_activity WHERE application_name = 'test'";
    let connections = database
        .count(&format!("{of_this} AND datname = current_database()"))
        .await;
    assert_eq!(connections, 1);
    assert_eq!(store.connections_in_use(), (0, 5));
}

#[tokio::test]
async fn when_a_connection_turns_out_lost_no_other_of_its_time_is_used_again() {
    let database = Database::create().await;
    let store = Store::new(&DatabaseUrl::parse(&database.url()).unwrap(), 2, "test");
    let (one, other) = backends_at_once(&store).await;
    let end_both = format!("SELECT pg_terminate_backend({one}), pg_terminate_backend({other})");
    database.execute(&end_both).await;

    let lost = backend(&store).await.unwrap_err();

    assert_eq!(lost.fault(), Fault::Outage);
    for _ in 0..2 {
        let new = backend(&store).await.unwrap();
        assert!(![one, other].contains(&new));
    }
}

#[tokio::test]
async fn a_connection_that_was_lost_while_nobody_used_it_is_replaced_before_the_work_begins() {
    let database = Database::create().await;
    let store = Store::new(&DatabaseUrl::parse(&database.url()).unwrap(), 2, "test");
    let first = backend(&store).await.unwrap();
    database
        .execute(&format!("SELECT pg_terminate_backend({first})"))
        .await;

    // A connection is not asked whether it is alive within a second of its use.
    tokio::time::sleep(Duration::from_millis(1_100)).await;

    assert_ne!(backend(&store).await.unwrap(), first);
}

/// Hosts are loopback addresses at which nothing listens, so that libpq names the place and needs no name server.
#[test]
fn what_is_taken_leads_where_it_says_and_what_libpq_does_not_understand_is_refused() {
    for (text, place) in [
        ("postgres://127.0.0.7:1/db", Some("127.0.0.7")),
        ("postgresql://u:p@127.0.0.7:1", Some("127.0.0.7")),
        ("postgres://u:p?x@127.0.0.7:1/db", Some("127.0.0.7")),
        (
            "postgres://u:p?x@127.0.0.7:1/db?sslmode=disable",
            Some("127.0.0.7"),
        ),
        ("postgres://u:5#x@127.0.0.7:1/db", Some("127.0.0.7")),
        ("postgres://u:5?x=@127.0.0.7:1/db", Some("127.0.0.7")),
        ("postgres://u:a:b@127.0.0.7:1/db", Some("127.0.0.7")),
        ("postgres://u:a b[]@127.0.0.7:1/db", Some("127.0.0.7")),
        ("postgres://u:p%40%2F%3f@127.0.0.7:1/db", Some("127.0.0.7")),
        ("postgres://u:p@[::1]:1/db", Some("::1")),
        (
            "postgres://127.0.0.7:1,127.0.0.8:2/db?target_session_attrs=read-write",
            Some("127.0.0.8"),
        ),
        ("postgres://%2Fnowhere:1/db", Some("/nowhere/.s.PGSQL.1")),
        ("postgres:///db?host=/nowhere&port=1", Some("/nowhere/.s.PGSQL.1")),
        (
            "postgres:///db?host=127.0.0.7,127.0.0.8&port=1,2",
            Some("127.0.0.8"),
        ),
        ("postgres://127.0.0.7:1/db?", Some("127.0.0.7")),
        ("postgres://127.0.0.7:1/a%40b/c#d", Some("127.0.0.7")),
        (
            "host=127.0.0.7 port=1 password=p?x&y=z dbname=db",
            Some("127.0.0.7"),
        ),
        ("host = 127.0.0.7 port=1 password='it\\'s = x'", Some("127.0.0.7")),
        ("port=1 password=a\\ b host='127.0.0.7'", Some("127.0.0.7")),
        ("postgres://u:p/x@127.0.0.7:1/db", None),
        ("postgres://u:p%zz@127.0.0.7:1/db", None),
        ("postgres://u:p%@127.0.0.7:1/db", None),
        ("postgres://u:p%00@127.0.0.7:1/db", None),
        ("postgres://u:p@[::1:1/db", None),
        ("postgres://u:p@[]:1/db", None),
        ("postgres://u:p@[::1]x/db", None),
        ("postgres://u:p@127.0.0.7:x/db", None),
        ("postgres://127.0.0.7:1/db?sslmode", None),
        ("postgres://127.0.0.7:1/db?a=b=c", None),
        ("postgre://u:p=w@127.0.0.7:1/db", None),
        ("POSTGRES://u:p=w@127.0.0.7:1/db", None),
        ("host=127.0.0.7 port=1 pass word=x", None),
        ("host=127.0.0.7 port=1 password='x", None),
    ] {
        let theirs = libpq(text);
        let tried = theirs.contains("connection to server");
        assert_eq!(tried, place.is_some(), "{text}: libpq: {theirs}");

        assert_eq!(DatabaseUrl::parse(text).is_ok(), tried, "{text}");
        assert!(
            place.is_none_or(|place| theirs.contains(place)),
            "{text}: libpq: {theirs}"
        );
    }
}

/// libpq connects to `u`, port 5, with these.
#[test]
fn a_url_that_would_lead_to_a_part_of_its_password_is_refused() {
    for text in [
        "postgres://u:5/x@127.0.0.7:1/db",
        "postgres://u:5/x?y=z@127.0.0.7:1/db",
        "postgres://u:5?y=z/x@127.0.0.7:1/db",
        "postgres://u:p@x@127.0.0.7:1/db",
        "postgres://u@b:p@127.0.0.7:1/db",
        "postgres://127.0.0.7:1/a@b",
        "postgres://2001:db8::1/db",
        "host=u:p@127.0.0.7 port=1",
        "",
        "bellhop",
    ] {
        assert!(DatabaseUrl::parse(text).is_err(), "{text}");
    }
}

proptest! {
    /// However a password was cut, nothing of it comes back.
    // shows: T19
    #[test]
    fn nothing_that_is_taken_makes_libpq_repeat_a_password(
        before in "[a-z0-9:/?#@%=&' \\\\]{0,3}",
        after in "[a-z0-9:/?#@%=&' \\\\]{0,3}",
        end in "(/db|/db\\?sslmode=disable|)",
    ) {
        let password = format!("{before}hunter2{after}");
        for text in [
            format!("postgres://u:{password}@127.0.0.7:1{end}"),
            format!("host=127.0.0.7 port=1 password={password}"),
        ] {
            match DatabaseUrl::parse(&text) {
                Err(invalid) => prop_assert!(!invalid.to_string().contains("hunter2")),
                Ok(url) => {
                    let (told, shown) = (libpq(&text), format!("{url:?}"));
                    // These two are told in other words.
                    let hidden = ["invalid connection option", "invalid URI query parameter"];
                    let hidden = hidden.iter().any(|hidden| told.starts_with(hidden));
                    prop_assert!(hidden || !told.contains("hunter2"), "{}", told);
                    prop_assert!(!shown.contains("hunter2"));
                }
            }
        }
    }
}

#[tokio::test]
async fn limits_hold_beside_options_of_the_urls_own() {
    let database = Database::create().await;
    let own = format!(
        "{}?options=-c%20search_path%3Dnowhere%20-c%20lock_timeout%3D0&application_name=mine",
        database.url()
    );
    let (plain, own) = (database.store(), store(&own));

    for store in [&plain, &own] {
        assert_eq!(setting(store, "statement_timeout").await, "10s");
        assert_eq!(setting(store, "lock_timeout").await, "3s");
        assert_eq!(setting(store, "idle_in_transaction_session_timeout").await, "15s");
    }
    assert_eq!(setting(&own, "search_path").await, "nowhere");
    assert_eq!(setting(&plain, "application_name").await, "test");
    assert_eq!(setting(&own, "application_name").await, "mine");
}

#[tokio::test]
async fn keywords_have_the_same_limits() {
    let database = Database::create().await;
    let url = url::Url::parse(&database.url()).unwrap();
    let store = store(&format!(
        "host={} port={} user={} password='{}' dbname={} options='-c search_path=nowhere'",
        url.host_str().unwrap(),
        url.port().unwrap_or(5432),
        url.username(),
        url.password().unwrap_or_default(),
        url.path().trim_start_matches('/'),
    ));

    assert_eq!(setting(&store, "lock_timeout").await, "3s");
    assert_eq!(setting(&store, "search_path").await, "nowhere");
    assert_eq!(setting(&store, "application_name").await, "test");
}

#[tokio::test]
async fn of_several_hosts_the_one_that_can_be_written_to_is_used() {
    let database = Database::create().await;
    let url = database.url().replace("@127.0.0.1:", "@127.0.0.7:1,127.0.0.1:");
    let store = store(&format!("{url}?target_session_attrs=read-write"));

    assert_eq!(store.check().await, Ok(()));
}

// shows: T19
#[tokio::test]
async fn what_postgres_says_when_it_refuses_is_told_without_the_password() {
    let database = Database::create().await;
    let url = database.url();
    let (server, _) = url.rsplit_once('/').unwrap();
    let (before, place) = url.rsplit_once('@').unwrap();
    let (user, _) = before.rsplit_once(':').unwrap();
    let encrypted = promising_tls();
    for (text, said) in [
        (
            format!("{user}:hush%21hush@{place}"),
            "password authentication failed for user",
        ),
        (
            format!("{server}/bellhop_test_nowhere"),
            "database \"bellhop_test_nowhere\" does not exist",
        ),
        (format!("{url}?sslmode=require"), "server does not support SSL"),
        (
            format!(
                "postgres://u:hush@{encrypted}/db?sslmode=verify-full&sslrootcert=/nowhere/authority.pem"
            ),
            "root certificate file \"/nowhere/authority.pem\" does not exist",
        ),
        (
            "postgres://u:hush@127.0.0.7:1/db".to_owned(),
            "Connection refused",
        ),
        (
            "postgres://u:hush@127.0.0.7:1/db?hush=1".to_owned(),
            "an option that libpq does not know",
        ),
    ] {
        let told = refusal(&text).await;

        assert!(
            told.starts_with("cannot connect to Postgres: ") && told.contains(said),
            "{said}: {told}"
        );
        assert!(!told.contains("hush") && !told.contains('\n'), "{told}");
    }
}
