//! What the commands need from the environment: the only place that names its variables. Each command asks for what it
//! uses and learns of everything that is missing at once.

use std::path::PathBuf;

use broker::Address;
use crypto::key_ring::KeyRing;
use domain::ids::StaffName;
use service::environment::Reader;
use service::{Environment, Failure, Problems, chain};
use store::Store;

use crate::actions::shelf::Shelf;

/// Connections that one command needs.
const CONNECTIONS: u32 = 2;

pub(crate) fn database(read: &mut Reader<'_>) -> Option<Store> {
    read.parsed("DATABASE_URL", |url| Store::new(url, CONNECTIONS, "desk"))
}

pub(crate) fn broker(read: &mut Reader<'_>) -> Option<Address> {
    read.parsed("AMQP_URL", Address::parse)
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

/// What [`Shelf::open`] needs.
pub(crate) struct ShelfSettings {
    store: Store,
    key_ring: KeyRing,
    folder: PathBuf,
}

impl ShelfSettings {
    pub(crate) fn open(self) -> Result<Shelf, Failure> {
        let opened = Shelf::open(self.store, self.key_ring, &self.folder);
        opened.map_err(|error| Problems::one("BELLHOP_CONFIG", chain(&error)).into())
    }
}

pub(crate) fn shelf(read: &mut Reader<'_>, environment: &Environment) -> Option<ShelfSettings> {
    let store = database(read);
    let folder = folder(read, None);
    let key_ring = key_ring(read, environment);
    Some(ShelfSettings {
        store: store?,
        key_ring: key_ring?,
        folder: folder?,
    })
}

/// Who decides: by name, or as the operating system calls the user.
pub(crate) fn staff(read: &mut Reader<'_>) -> Option<StaffName> {
    let given = [STAFF, "USER"].map(|name| (name, read.optional(name)));
    let Some((variable, name)) = given
        .into_iter()
        .find_map(|(variable, name)| Some((variable, name?)))
    else {
        read.problem(
            STAFF,
            "is not set: give your name, which is kept with what you decide",
        );
        return None;
    };
    match StaffName::parse(&name) {
        Ok(_) if NOBODYS.contains(&name.as_str()) => {
            read.problem(variable, "is a name under which machines end letters; give yours");
            None
        }
        Ok(name) => Some(name),
        Err(error) => {
            let why = format!("{error}; set BELLHOP_STAFF to your name, which is kept with what you decide");
            read.problem(variable, why);
            None
        }
    }
}

/// The variable that says who decides.
const STAFF: &str = "BELLHOP_STAFF";
/// Under these names letters are ended by WhatsApp's reports, and because their guest was erased.
const NOBODYS: [&str; 2] = ["whatsapp", "erasure"];

/// As [`key_ring`], where commands can do without.
pub(crate) fn optional_key_ring(read: &mut Reader<'_>, environment: &Environment) -> Option<KeyRing> {
    let given = ["BELLHOP_KEYS", "BELLHOP_KEYS_FILE"].map(|name| environment.get(name).is_some());
    if given.contains(&true) {
        key_ring(read, environment)
    } else {
        None
    }
}
