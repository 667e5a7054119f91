//! The migrations up, down and up again; `store/src/schema.rs` is the schema that they make.

use std::fs;
use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use store::Connection;
use testkit::database::Database;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema.rs");

/// Everything that a schema may hold: tables, views, indexes and sequences, functions, types.
const LEFT_OVER: &str = "SELECT coalesce(string_agg(name, ', '), '') AS text FROM ( \
     SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace \
     UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
     UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace) AS everything";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

fn text(connection: &mut Connection, query: &str) -> String {
    sql_query(query).get_result::<Row>(connection).unwrap().text
}

/// The SQL of all migrations in one direction, `up` or `down`, in the order of time.
fn steps(direction: &str) -> Vec<String> {
    let folders = fs::read_dir(FOLDER).unwrap();
    let mut folders: Vec<PathBuf> = folders.map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    let file = format!("{direction}.sql");
    folders
        .iter()
        .map(|folder| fs::read_to_string(folder.join(&file)).unwrap())
        .collect()
}

#[tokio::test]
async fn the_migrations_go_up_down_and_up_and_make_the_schema_that_the_store_knows() {
    let database = Database::create_empty().await;

    let in_database = move |connection: &mut Connection| {
        let schema = |connection: &mut Connection| text(connection, include_str!("schema.sql"));
        for step in steps("up") {
            connection.batch_execute(&step).unwrap();
        }
        let first = schema(connection);
        for step in steps("down").into_iter().rev() {
            connection.batch_execute(&step).unwrap();
        }
        assert_eq!(
            text(connection, LEFT_OVER),
            "",
            "left after all migrations were reverted"
        );
        for step in steps("up") {
            connection.batch_execute(&step).unwrap();
        }
        assert_eq!(schema(connection), first, "up, down and up again");
        Ok(first)
    };
    let made = database.store().run(in_database).await.unwrap();

    let known = fs::read_to_string(FILE).unwrap();
    let known = known.split_once("\n\n").unwrap().1;
    assert!(
        known == made,
        "{FILE} is not what the migrations make, which is:\n{made}"
    );
}
