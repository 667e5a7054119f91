//! The support staff, for tests in which a person acts.

use crypto::token::Token;
use domain::ids::StaffName;
use domain::staff::Access;
use store::audit::Actor;
use store::staff::{self, Identity};

use super::Database;

/// Who adds everybody, herself first.
const ANNA: &str = "anna";

impl Database {
    /// Adds a member to the staff, by Anna (herself first); returns the token.
    ///
    /// # Panics
    /// Where the server refuses, or the name is on the staff already.
    pub async fn hire(&self, name: &str) -> String {
        self.hire_as(name, Access::ADMIN).await
    }

    /// As [`hire`](Self::hire), with a role, and only for some resorts.
    ///
    /// # Panics
    /// As [`hire`](Self::hire).
    pub async fn hire_as(&self, name: &str, access: Access) -> String {
        let is_first = self.count("SELECT count(*) AS count FROM staff").await == 0;
        if is_first && name != ANNA {
            self.add_member(ANNA, Access::ADMIN).await;
        }
        self.add_member(name, access).await
    }

    async fn add_member(&self, name: &str, access: Access) -> String {
        let token = Token::generate();
        let hash = token.hash();
        let newcomer = Identity {
            name: member(name),
            access,
        };
        let anna = Actor {
            name: member(ANNA),
            access: Access::ADMIN,
            reason: None,
        };
        let store = self.store();
        let adding = store.transaction(move |connection| staff::add(connection, &anna, &newcomer, &hash));
        match adding.await {
            Ok(Ok(())) => token.reveal().to_owned(),
            Ok(Err(unchanged)) => panic!("{name}: {unchanged}"),
            Err(error) => panic!("{name} cannot be hired: {error}"),
        }
    }
}

fn member(name: &str) -> StaffName {
    match StaffName::parse(name) {
        Ok(name) => name,
        Err(error) => panic!("the name {name:?} {error}"),
    }
}
