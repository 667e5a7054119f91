//! RabbitMQ's address: URL, vhost, and the certificate authorities that TLS trusts.

mod url;

use std::fmt;

use lapin::uri::{AMQPScheme, AMQPUri};
use outbound::Authorities;

pub use url::InvalidAddress;

/// In bytes. lapin keeps two buffers of 32 frames for each connection: with RabbitMQ's own 128 KiB they are 8 MiB, for messages
/// that are nearly all below 4 KiB.
const LARGEST_FRAME: u32 = 32 * 1024;

/// Neither `Debug` nor `Display` shows the password.
#[derive(Clone)]
pub struct Address {
    uri: AMQPUri,
    authorities: Authorities,
}

impl Address {
    /// Reads a URL `amqp://` or `amqps://`. Unless it says otherwise, the heartbeat is 10 s, connecting may take 5 s, and a frame has up to 32 KiB. TLS
    /// trusts the system's authorities unless [others](Self::trusting) are given.
    ///
    /// # Errors
    /// Also where a reader of the URL and the library might see different hosts in it.
    pub fn parse(url: &str) -> Result<Self, InvalidAddress> {
        let mut uri = url::parse(url)?;
        uri.query.heartbeat.get_or_insert(10);
        uri.query.connection_timeout.get_or_insert(5_000);
        uri.query.frame_max.get_or_insert(LARGEST_FRAME);
        let authorities = Authorities::default();
        Ok(Self { uri, authorities })
    }

    /// Trusts these authorities alone.
    #[must_use]
    pub fn trusting(self, authorities: &Authorities) -> Self {
        let authorities = authorities.clone();
        Self { authorities, ..self }
    }

    pub(crate) fn to_uri(&self) -> AMQPUri {
        self.uri.clone()
    }

    /// `None` without TLS.
    pub(crate) fn authorities(&self) -> Option<&Authorities> {
        matches!(self.uri.scheme, AMQPScheme::AMQPS).then_some(&self.authorities)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = &self.uri.authority;
        match authority.host.contains(':') {
            true => write!(f, "[{}]", authority.host)?,
            false => f.write_str(&authority.host)?,
        }
        write!(f, ":{}, vhost {}", authority.port, self.uri.vhost)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_never_shows_its_password() {
        let address = Address::parse("amqp://bellhop:hush@mq.example:5673/%2f").unwrap();

        assert_eq!(address.to_string(), "mq.example:5673, vhost /");
        assert!(!format!("{address:?}").contains("hush"));
    }

    #[test]
    fn a_heartbeat_is_set_unless_the_url_has_one() {
        let plain = Address::parse("amqp://mq.example").unwrap().to_uri();
        let own = Address::parse("amqp://mq.example/v?heartbeat=20")
            .unwrap()
            .to_uri();

        assert_eq!(plain.query.heartbeat, Some(10));
        assert_eq!(own.query.heartbeat, Some(20));
        assert!(matches!(
            Address::parse("amqp://mq.example/"),
            Err(InvalidAddress::EmptyVhost)
        ));
    }
}
