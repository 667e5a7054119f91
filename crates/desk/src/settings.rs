//! What the commands read from the environment: the only file that names its variables. A command asks for what it uses,
//! and everything that is missing is reported at once.

mod page;
mod serve;

use std::path::{Path, PathBuf};

use broker::Address;
use crypto::key_ring::KeyRing;
use crypto::token::Token;
use domain::silence_policy::SilencePolicy;
use outbound::{Authorities, Outbound};
use service::environment::Reader;
use service::{Environment, Problems, chain};
use settings::Snapshot;
use store::{DatabaseUrl, Store};
use url::Url;
use whatsapp::client::{Client, ClientError, DEFAULT_TIMEOUT, DEFAULT_URL, DEFAULT_VERSION};

use crate::actions::context::{self, Context};

pub(crate) use page::{PublicUrl, public_url};
pub(crate) use serve::{Gateway, ServeSettings};

/// Per command.
const CONNECTIONS: u32 = 2;

pub(crate) fn database(read: &mut Reader<'_>) -> Option<Store> {
    let url = read.parsed("DATABASE_URL", DatabaseUrl::parse)?;
    Some(Store::new(&url, CONNECTIONS, "desk"))
}

pub(crate) fn broker(read: &mut Reader<'_>) -> Option<Address> {
    let authorities = read.together(|look_up| Authorities::read(look_up));
    let address = read.parsed("AMQP_URL", Address::parse)?;
    Some(address.trusting(&authorities))
}

/// As [`broker()`], for commands that need no RabbitMQ.
pub(crate) fn optional_broker(read: &mut Reader<'_>) -> Option<Address> {
    let authorities = read.together(|look_up| Authorities::read(look_up));
    let address = read.optional_parsed("AMQP_URL", Address::parse)?;
    Some(address.trusting(&authorities))
}

/// As [`database`], for commands that work without.
pub(crate) fn optional_database(read: &mut Reader<'_>) -> Option<Store> {
    let url = read.optional_parsed("DATABASE_URL", DatabaseUrl::parse)?;
    Some(Store::new(&url, CONNECTIONS, "desk"))
}

/// The client of WhatsApp, as the senders have it.
pub(crate) fn whatsapp(read: &mut Reader<'_>) -> Option<Client> {
    let outbound = read.together(|look_up| Outbound::read(look_up));
    let url = read.parsed_or(
        "WHATSAPP_API_URL",
        |text| Url::parse(text).map(Some),
        Url::parse(DEFAULT_URL).ok(),
    )?;
    let version = read.optional("WHATSAPP_API_VERSION");
    let version = version.as_deref().unwrap_or(DEFAULT_VERSION);
    match Client::through(&outbound, &url, version, DEFAULT_TIMEOUT) {
        Ok(client) => Some(client),
        Err(error) => {
            let variable = match error {
                ClientError::Version => "WHATSAPP_API_VERSION",
                _ => "WHATSAPP_API_URL",
            };
            read.problem(variable, chain(&error));
            None
        }
    }
}

/// The argument, or the folder of `BELLHOP_CONFIG`.
pub(crate) fn folder(read: &mut Reader<'_>, argument: Option<PathBuf>) -> Option<PathBuf> {
    argument.or_else(|| {
        let path = read.required("BELLHOP_CONFIG");
        (!path.is_empty()).then(|| path.into())
    })
}

/// The resorts' and sources' files.
pub(crate) fn files(read: &mut Reader<'_>) -> Option<Snapshot> {
    let folder = folder(read, None)?;
    match context::read_files(&folder) {
        Ok(files) => Some(files),
        Err(error) => {
            read.problem("BELLHOP_CONFIG", chain(&error));
            None
        }
    }
}

/// For commands that need no files.
pub(crate) fn optional_files(read: &mut Reader<'_>) -> Option<Snapshot> {
    read.optional_parsed("BELLHOP_CONFIG", |folder| {
        context::read_files(Path::new(folder)).map_err(|error| chain(&error))
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

/// The senders' policy for unresolved calls.
pub(crate) fn silence_policy(read: &mut Reader<'_>) -> SilencePolicy {
    let (policy, problems) = settings::silence_policy::read(|name| read.optional(name));
    for (name, problem) in problems {
        read.problem(name, problem);
    }
    policy
}

pub(crate) struct ContextSettings {
    store: Store,
    key_ring: KeyRing,
    folder: PathBuf,
}

impl ContextSettings {
    pub(crate) fn open(self) -> Result<Context, Problems> {
        let opened = Context::open(self.store, self.key_ring, &self.folder);
        opened.map_err(|error| Problems::one("BELLHOP_CONFIG", chain(&error)))
    }
}

pub(crate) fn context(read: &mut Reader<'_>, environment: &Environment) -> Option<ContextSettings> {
    let store = database(read);
    let folder = folder(read, None);
    let key_ring = key_ring(read, environment);
    Some(ContextSettings {
        store: store?,
        key_ring: key_ring?,
        folder: folder?,
    })
}

pub(crate) const STAFF_TOKEN: &str = "BELLHOP_STAFF_TOKEN";

pub(crate) fn staff_token(read: &mut Reader<'_>) -> Option<Token> {
    read.optional_parsed(STAFF_TOKEN, Token::parse)
}

/// The user's own file for the token that was typed at the prompt.
pub(crate) fn token_file(read: &mut Reader<'_>) -> Option<PathBuf> {
    let folder = read.optional("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = || read.optional("HOME").map(|home| Path::new(&home).join(".config"));
    let folder = folder.or_else(home)?;
    Some(folder.join("bellhop").join("token"))
}

/// As [`key_ring`], for commands that need no keys.
pub(crate) fn optional_key_ring(read: &mut Reader<'_>, environment: &Environment) -> Option<KeyRing> {
    let given = ["BELLHOP_KEYS", "BELLHOP_KEYS_FILE"].map(|name| environment.get(name).is_some());
    if given.contains(&true) {
        key_ring(read, environment)
    } else {
        None
    }
}
