//! What the commands need from the environment: the only place that names its variables. Each command asks for what it
//! uses and learns of everything that is missing at once.

use std::path::PathBuf;

use broker::Address;
use crypto::key_ring::KeyRing;
use service::Environment;
use service::environment::Reader;
use store::Store;

/// Connections that one command needs.
const CONNECTIONS: u32 = 2;

pub(crate) fn database(read: &mut Reader<'_>) -> Option<Store> {
    read.parsed("DATABASE_URL", |url| Store::new(url, CONNECTIONS, "desk"))
}

pub(crate) fn broker(read: &mut Reader<'_>) -> Option<Address> {
    read.parsed("AMQP_URL", Address::parse)
}

/// Who acts, for the others: a name that they know.
pub(crate) fn staff(read: &mut Reader<'_>) -> Option<String> {
    let named = read.optional("BELLHOP_STAFF").or_else(|| read.optional("USER"));
    Some(named.unwrap_or_else(|| "somebody".to_owned()))
}

/// The folder with `resorts/` and `sources/`, unless an argument names it.
pub(crate) fn folder(read: &mut Reader<'_>, argument: Option<PathBuf>) -> Option<PathBuf> {
    argument.or_else(|| {
        let path = read.required("BELLHOP_CONFIG");
        (!path.is_empty()).then(|| path.into())
    })
}

pub(crate) fn key_ring(read: &mut Reader<'_>, environment: &Environment) -> Option<KeyRing> {
    match settings::keys::key_ring(&|name| environment.get(name).map(str::to_owned)) {
        Ok(ring) => Some(ring),
        Err(missing) => {
            read.problem(missing.variable, missing.problem);
            None
        }
    }
}

/// As [`key_ring`], where commands can do without.
pub(crate) fn optional_key_ring(read: &mut Reader<'_>, environment: &Environment) -> Option<KeyRing> {
    let given = ["BELLHOP_KEYS", "BELLHOP_KEYS_FILE"].map(|name| environment.get(name).is_some());
    if given.contains(&true) {
        key_ring(read, environment)
    } else {
        None
    }
}
