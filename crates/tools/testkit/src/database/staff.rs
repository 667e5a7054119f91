//! The support staff, for tests in which a person acts.

use crypto::token::Token;
use domain::ids::StaffName;
use store::audit::Actor;
use store::staff;

use super::Database;

/// Who adds everybody, herself first.
const ANNA: &str = "anna";

impl Database {
    /// Adds a member to the staff, by Anna (herself first); returns the token.
    ///
    /// # Panics
    /// Where the server refuses, or the name is on the staff already.
    pub async fn hire(&self, name: &str) -> String {
        let token = Token::generate();
        let (hash, newcomer) = (token.hash(), member(name));
        let anna = Actor {
            name: member(ANNA),
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
