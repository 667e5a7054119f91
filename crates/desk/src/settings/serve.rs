//! The settings of `desk serve`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::http::header::HeaderName;
use broker::Address;
use crypto::key_ring::KeyRing;
use domain::silence_policy::SilencePolicy;
use ipnet::IpNet;
use service::environment::Reader;
use service::{Environment, Problems};
use store::{DatabaseUrl, Store};
use whatsapp::client::Client;

use super::{PublicUrl, broker, key_ring, public_url, silence_policy, whatsapp};

/// Pages and loops together.
const CONNECTIONS: u32 = 6;

pub(crate) struct ServeSettings {
    /// Port 0 takes a free one.
    pub(crate) address: SocketAddr,
    pub(crate) public_url: PublicUrl,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) store: Store,
    pub(crate) broker: Address,
    /// For guests' files alone.
    pub(crate) whatsapp: Client,
    pub(crate) config: PathBuf,
    pub(crate) key_ring: Arc<KeyRing>,
    /// The senders' policy for unresolved calls, by which the ledger is judged.
    pub(crate) silence_policy: SilencePolicy,
    /// The environment that files may refer to.
    pub(crate) environment: Environment,
}

/// A gateway that signs the staff in.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    /// Names the member of the staff.
    pub(crate) header: HeaderName,
    /// The only peers from which the header is believed.
    pub(crate) proxies: Vec<IpNet>,
}

impl ServeSettings {
    pub(crate) fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut read = environment.reader();
        let database = read.parsed("DATABASE_URL", DatabaseUrl::parse);
        let broker = broker(&mut read);
        let whatsapp = whatsapp(&mut read);
        let config = read.folder("BELLHOP_CONFIG");
        let ring = key_ring(&mut read, environment);
        let address = read.address_or("DESK_ADDR", (Ipv4Addr::LOCALHOST, 8083).into());
        let public_url = public_url(&mut read);
        let gateway = gateway(&mut read);
        let silence_policy = silence_policy(&mut read);
        read.finish_with(|| {
            Some(Self {
                address,
                public_url: public_url?,
                gateway,
                store: Store::new(&database?, CONNECTIONS, "desk"),
                broker: broker?,
                whatsapp: whatsapp?,
                config: config?,
                key_ring: Arc::new(ring?),
                silence_policy,
                environment: environment.clone(),
            })
        })
    }
}

/// Both variables or neither.
fn gateway(read: &mut Reader<'_>) -> Option<Gateway> {
    const HEADER: &str = "DESK_TRUSTED_USER_HEADER";
    const PROXIES: &str = "DESK_TRUSTED_PROXIES";
    let header = read.optional_parsed(HEADER, |text| HeaderName::try_from(text));
    let proxies = read.optional_parsed(PROXIES, settings::network::parse_list);
    match (header, proxies) {
        (Some(header), Some(proxies)) => Some(Gateway { header, proxies }),
        (Some(_), None) if read.optional(PROXIES).is_none() => {
            read.problem(
                PROXIES,
                "is not set: name the gateway's addresses, from which the header is believed",
            );
            None
        }
        (None, Some(_)) if read.optional(HEADER).is_none() => {
            read.problem(
                HEADER,
                "is not set: name the header in which the gateway names the member of the staff",
            );
            None
        }
        _ => None,
    }
}
