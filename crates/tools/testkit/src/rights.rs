//! A Postgres role and a RabbitMQ user for each program, as `deploy/` makes them.
//!
//! Roles and users belong to a whole server. So they are made only on private servers, where `BELLHOP_SERVERS` says
//! `private`; on given ones the programs are tested as the user of `DATABASE_URL` and `AMQP_URL`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;
use service::Environment;
use store::rights::ROLES;
use url::Url;

use crate::vhost::Vhost;

/// The users of RabbitMQ and what each may do, as they are imported in production.
const PERMISSIONS: &str = include_str!("../../../../deploy/rabbitmq-permissions.json");

/// The users that the programs connect as. Their passwords are that of the server's own user.
#[derive(Debug, Clone)]
pub struct Rights {
    users: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Permissions {
    permissions: Vec<Permission>,
}

#[derive(Deserialize)]
struct Permission {
    user: String,
    configure: String,
    write: String,
    read: String,
}

impl Rights {
    /// Whether the servers are ours alone, so that roles and users may be made there.
    pub(crate) fn may_be_made() -> bool {
        Environment::of_process().get("BELLHOP_SERVERS") == Some("private")
    }

    /// Lets the programs' users into the vhost, with their permissions and no others; a database has its grants from
    /// its template.
    ///
    /// # Errors
    /// Where the servers are not private, or refuse.
    pub async fn arrange(vhost: &Vhost) -> anyhow::Result<Self> {
        anyhow::ensure!(
            Self::may_be_made(),
            "BELLHOP_SERVERS is not private: roles and users are made on servers of our own only; unset DATABASE_URL \
             and AMQP_URL, scripts/services start, then eval \"$(scripts/services env)\""
        );
        let listed: Permissions = serde_json::from_str(PERMISSIONS)?;
        let mut users: BTreeSet<String> = ROLES.map(str::to_owned).into();
        for one in listed.permissions {
            let may = json!({ "configure": one.configure, "write": one.write, "read": one.read });
            vhost.let_in(&one.user, may).await?;
            users.insert(one.user);
        }
        Ok(Self { users })
    }

    /// The same address, as the program's own user.
    pub fn url(&self, program: &str, url: &str) -> String {
        let user = format!("bellhop_{program}");
        let own = Url::parse(url).ok().filter(|_| self.users.contains(&user));
        own.and_then(|mut own| own.set_username(&user).is_ok().then(|| own.into()))
            .unwrap_or_else(|| url.to_owned())
    }

    /// The variables for a program: the same servers, as its own user.
    pub(crate) fn of(&self, program: &str, variables: &[(String, String)]) -> Vec<(String, String)> {
        let own = |(name, value): &(String, String)| match name.as_str() {
            "DATABASE_URL" | "AMQP_URL" => (name.clone(), self.url(program, value)),
            _ => (name.clone(), value.clone()),
        };
        variables.iter().map(own).collect()
    }
}
