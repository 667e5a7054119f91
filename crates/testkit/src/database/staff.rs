//! The support staff, for tests in which somebody acts.

use crypto::token::Token;
use domain::ids::StaffName;
use store::audit::Actor;
use store::staff;

use super::Database;

/// Who adds everybody, herself first.
const ANNA: &str = "anna";

impl Database {
    /// Anna adds somebody to the staff, or herself; returns the token.
    ///
    /// # Panics
    /// Where the server refuses, or the name is on the staff already.
    pub async fn hire(&self, name: &str) -> String {
        let token = Token::generate();
        let (hash, named) = (token.hash(), name.to_owned());
        let adding = self.store().transaction(move |connection| {
            let parse = |name: &str| StaffName::parse(name).map_err(|error| panic!("{name} {error}"));
            let anna = Actor {
                name: parse(ANNA)?,
                reason: None,
            };
            staff::add(connection, &anna, &parse(&named)?, &hash)
        });
        match adding.await {
            Ok(Ok(())) => token.reveal().to_owned(),
            Ok(Err(unchanged)) => panic!("{name}: {unchanged}"),
            Err(error) => panic!("{name} cannot be hired: {error}"),
        }
    }
}
