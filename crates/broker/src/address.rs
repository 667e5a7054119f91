//! Where RabbitMQ is.

use std::fmt;

use lapin::uri::AMQPUri;

/// A URL `amqp://` or `amqps://` with its vhost; neither `Debug` nor `Display` shows the password.
#[derive(Clone)]
pub struct Address(AMQPUri);

/// Why a text is no address; it does not repeat the text, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAddress {
    /// It cannot be read at all.
    #[error("is not an amqp:// or amqps:// URL")]
    NotAUrl,
    /// `amqp://host/` names the vhost whose name is empty, which is hardly ever meant.
    #[error("names an empty vhost; the default one is written /%2f")]
    EmptyVhost,
}

impl Address {
    /// Reads a URL. Unless it says otherwise, a dead peer is noticed by heartbeats each 10 s, and connecting may take
    /// 5 s.
    pub fn parse(url: &str) -> Result<Self, InvalidAddress> {
        let mut uri: AMQPUri = url.parse().map_err(|_| InvalidAddress::NotAUrl)?;
        if uri.vhost.is_empty() {
            return Err(InvalidAddress::EmptyVhost);
        }
        uri.query.heartbeat.get_or_insert(10);
        uri.query.connection_timeout.get_or_insert(5_000);
        Ok(Self(uri))
    }

    pub(crate) fn to_uri(&self) -> AMQPUri {
        self.0.clone()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = &self.0.authority;
        write!(f, "{}:{}, vhost {}", authority.host, authority.port, self.0.vhost)
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
