//! The desk's page of a world, for tests with a browser.

use std::net::SocketAddr;

use super::World;
use crate::plain_browser::PlainBrowser;
use crate::program::Program;

/// `desk serve` of a world. It ends with this value.
pub struct DeskPage<'w> {
    world: &'w World,
    program: Program,
}

impl World {
    /// Starts the desk's page and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn desk_page(&self) -> DeskPage<'_> {
        let program = self.serve_desk().await;
        let page = DeskPage { world: self, program };
        let ready = page.at("/readyz");
        self.until("the desk is ready", async || {
            let answer = self.http.get(&ready).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        page
    }
}

impl DeskPage<'_> {
    /// The address of a page.
    pub fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.program.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.program.address()
    }

    /// Its host and port, as browsers write them.
    pub fn host(&self) -> String {
        self.address().to_string()
    }

    /// Ends it as a power cut would: SIGKILL.
    pub fn kill(self) {
        self.program.kill();
    }

    /// A browser without scripts in which a member of the staff is signed in, by a link and its button.
    ///
    /// # Panics
    /// As [`DeskPage::link`].
    pub async fn plain_browser(&self, member: &str) -> PlainBrowser {
        let link = self.link(member).await;
        let path = link.strip_prefix(&self.at("")).unwrap_or(&link);
        let mut browser = PlainBrowser::at(self.address());
        browser.get(path).await.check(200).has("<button");
        browser.post(path, &[]).await.check(303);
        browser
    }

    /// A one-time link for a member of the staff, who is there already; the world has `anna`, an admin.
    ///
    /// # Panics
    /// Where the desk makes none.
    pub async fn link(&self, member: &str) -> String {
        let page = self.at("");
        let arguments = format!("staff link {member}");
        let made = self
            .world
            .desk_with(&arguments, &[("DESK_PUBLIC_URL", &page)])
            .await;
        made.check(0).stdout.trim().to_owned()
    }
}
