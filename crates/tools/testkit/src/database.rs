//! A Postgres database of its own for every test, on the server that `DATABASE_URL` names.
//!
//! It is cloned from a template that holds the current migrations. The template is made once, however many test
//! processes begin at the same moment, and its name changes with the migrations, so a stale one is never used.

mod contents;
mod faults;
mod session;
mod staff;

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use service::Environment;
use store::rights::ROLES;
use store::{DatabaseUrl, Store};
use url::Url;
use uuid::Uuid;

pub use faults::Held;
pub use session::Session;

use crate::rights::Rights;

/// Any number: the process that makes the template holds this lock. Locks belong to one database, here to that of `DATABASE_URL`.
const LOCK: i64 = 0x7465_6d70_6c61_7465;

/// The name of the sessions that look at rows, by which faults leave them out.
const OBSERVER: &str = "observer";

/// A database that is dropped, with everybody who is still connected to it, when this value is.
#[derive(Debug)]
pub struct Database {
    server: Url,
    name: String,
}

impl Database {
    /// A database with the current schema and no rows.
    ///
    /// # Panics
    /// Where `DATABASE_URL` is not set or its server does not answer: a test without its database must not pass.
    pub async fn create() -> Self {
        Self::create_with(Schema::Current).await
    }

    /// A database without any table, for tests of the migrations themselves.
    ///
    /// # Panics
    /// As [`Database::create`].
    pub async fn create_empty() -> Self {
        Self::create_with(Schema::None).await
    }

    async fn create_with(schema: Schema) -> Self {
        let made = tokio::task::spawn_blocking(move || make(schema)).await;
        match made {
            Ok(Ok(database)) => database,
            Ok(Err(error)) => panic!("no database for the test: {error:#}"),
            Err(error) => panic!("no database for the test: {error}"),
        }
    }

    /// How to connect to it.
    pub fn url(&self) -> String {
        of(&self.server, &self.name).into()
    }

    /// A pool of connections to it.
    ///
    /// # Panics
    /// Where the store refuses the URL.
    pub fn store(&self) -> Store {
        self.store_of("test")
    }

    /// A pool for looking at rows, which no fault of this database touches.
    ///
    /// # Panics
    /// Where the store refuses the URL.
    pub fn observer(&self) -> Store {
        self.store_of(OBSERVER)
    }

    fn store_of(&self, program: &str) -> Store {
        match DatabaseUrl::parse(&self.url()) {
            Ok(url) => Store::new(&url, 8, program),
            Err(error) => panic!("no store for the test: {error}"),
        }
    }

    /// Changes rows behind the programs' backs: time goes by, a row is damaged.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn execute(&self, statements: &str) {
        run(of(&self.server, &self.name), statements.to_owned()).await;
    }

    /// What a statement counts, as `count`.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn count(&self, statement: &str) -> i64 {
        let (url, statement) = (of(&self.server, &self.name), statement.to_owned());
        let counted = tokio::task::spawn_blocking(move || -> anyhow::Result<i64> {
            Ok(sql_query(statement)
                .get_result::<Count>(&mut connect(&url)?)?
                .count)
        });
        match counted.await {
            Ok(Ok(count)) => count,
            Ok(Err(error)) => panic!("the server refused: {error:#}"),
            Err(error) => panic!("the server was not asked: {error}"),
        }
    }

    async fn on_server(&self, statements: String) {
        run(self.server.clone(), statements).await;
    }
}

async fn run(url: Url, statements: String) {
    let done = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
        Ok(connect(&url)?.batch_execute(&statements)?)
    });
    match done.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("the server refused: {error:#}"),
        Err(error) => panic!("the server was not asked: {error}"),
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = connect(&self.server).and_then(|mut admin| Ok(admin.batch_execute(&statement)?));
        if let Err(error) = dropped {
            log::error!("cannot drop {}: {error:#}", self.name);
        }
    }
}

#[derive(Clone, Copy)]
enum Schema {
    Current,
    None,
}

fn make(schema: Schema) -> anyhow::Result<Database> {
    let server = server()?;
    let mut admin = connect(&server)?;
    let name = format!("bellhop_test_{}", Uuid::now_v7().simple());
    let template = match schema {
        Schema::Current => template(&server, &mut admin)?,
        Schema::None => "template0".to_owned(),
    };
    admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))?;
    Ok(Database { server, name })
}

fn server() -> anyhow::Result<Url> {
    let environment = Environment::of_process();
    let text = environment.get("DATABASE_URL").ok_or_else(|| {
        anyhow::anyhow!(
            "DATABASE_URL is not set; scripts/services start, then eval \"$(scripts/services env)\""
        )
    })?;
    Ok(Url::parse(text)?)
}

fn of(server: &Url, name: &str) -> Url {
    let mut url = server.clone();
    url.set_path(name);
    url
}

fn connect(url: &Url) -> anyhow::Result<PgConnection> {
    Ok(PgConnection::establish(url.as_str())?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    exists: bool,
}

/// The name of the migrated template with the programs' grants, which this makes where it is missing.
fn template(server: &Url, admin: &mut PgConnection) -> anyhow::Result<String> {
    let name = format!("bellhop_test_template_{:016x}", hash_of_migrations()?);
    if exists(admin, &name)? {
        return Ok(name);
    }
    admin.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})"))?;
    // The process that held the lock before may have made it. The connection's end frees the lock in any case.
    if !exists(admin, &name)? {
        // A half-made one, left by a process that was killed, never bears the final name.
        let draft = format!("{name}_draft");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"))?;
        admin.batch_execute(&format!("CREATE DATABASE {draft} TEMPLATE template0"))?;
        if Rights::may_be_made() {
            make_roles(server, admin)?;
        }
        set_up(&mut connect(&of(server, &draft))?)?;
        admin.batch_execute(&format!("ALTER DATABASE {draft} RENAME TO {name}"))?;
    }
    admin.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
    Ok(name)
}

fn set_up(draft: &mut PgConnection) -> anyhow::Result<()> {
    store::migrations::migrate(draft)?;
    store::rights::grant(draft)?;
    Ok(())
}

/// A role for each program, with the password of the server's own user.
fn make_roles(server: &Url, admin: &mut PgConnection) -> anyhow::Result<()> {
    for role in ROLES {
        let password = server.password().unwrap_or_default();
        admin.batch_execute(&format!(
            "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$; \
             ALTER ROLE {role} LOGIN PASSWORD '{password}'"
        ))?;
    }
    Ok(())
}

fn exists(admin: &mut PgConnection, name: &str) -> anyhow::Result<bool> {
    let found: Exists = sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS exists")
        .bind::<Text, _>(name)
        .get_result(admin)?;
    Ok(found.exists)
}

fn hash_of_migrations() -> io::Result<u64> {
    let mut files = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/../../../deploy/grants.sql").into()];
    collect(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../migrations")),
        &mut files,
    )?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(file.as_os_str().as_encoded_bytes());
        hasher.write(&fs::read(&file)?);
    }
    Ok(hasher.finish())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
