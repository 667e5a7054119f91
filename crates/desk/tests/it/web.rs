//! `desk serve`, as a browser without scripts sees it.

mod access;
mod attack;
mod bookings;
mod conversation;
mod letter;
mod letter_jobs;
mod letters;
mod media;
mod pages;
mod report;

use std::path::Path;

use domain::ids::ResortId;
use domain::staff::{Access, Role, Scope};
use tempfile::TempDir;
use testkit::database::Database;
use testkit::plain_browser::PlainBrowser;
use testkit::program::Program;
use testkit::vhost::Vhost;

use crate::program::{CONFIG, KEYS};

/// A desk that serves, with a database and a vhost of its own.
pub(crate) struct Served {
    pub(crate) database: Database,
    pub(crate) program: Program,
    _vhost: Vhost,
    folder: TempDir,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these variables more.
    pub(crate) async fn start_with(more: &[(&str, &str)]) -> Self {
        Self::start_on(Database::create().await, more).await
    }

    /// With a database that holds something.
    pub(crate) async fn start_on(database: Database, more: &[(&str, &str)]) -> Self {
        Self::start_in(database, Vhost::create().await, more).await
    }

    /// With a database that holds something, and a vhost of which others hold queues.
    pub(crate) async fn start_in(database: Database, vhost: Vhost, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = [
            ("DATABASE_URL", database.url()),
            ("AMQP_URL", vhost.url()),
            ("BELLHOP_CONFIG", CONFIG.to_owned()),
            ("BELLHOP_KEYS", KEYS.to_owned()),
            ("DESK_ADDR", "127.0.0.1:0".to_owned()),
            ("LOG_FORMAT", "json".to_owned()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let variables: Vec<_> = own.chain(more).collect();
        let program = Program::start("desk", &variables, folder.path()).await.unwrap();
        Self {
            database,
            program,
            _vhost: vhost,
            folder,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A browser in which nobody is signed in.
    pub(crate) fn browser(&self) -> PlainBrowser {
        PlainBrowser::at(self.program.address())
    }

    /// The browser of a new member of the staff.
    pub(crate) async fn member(&self, name: &str, access: Access) -> PlainBrowser {
        let token = self.database.hire_as(name, access).await;
        let mut browser = self.browser();
        browser.post("/login", &[("token", &token)]).await.check(303);
        browser
    }
}

/// What a member is granted at some resorts; none: at all.
pub(crate) fn access(role: Role, resorts: &[&str]) -> Access {
    let scope = match resorts {
        [] => Scope::All,
        some => Scope::Resorts(some.iter().map(|id| ResortId::parse(id).unwrap()).collect()),
    };
    Access { role, scope }
}
