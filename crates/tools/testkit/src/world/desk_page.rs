//! The desk's page of a world, for tests with a browser.

use super::World;
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

    /// Its host and port, as browsers write them.
    pub fn host(&self) -> String {
        self.program.address().to_string()
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
