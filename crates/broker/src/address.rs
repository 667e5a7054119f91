//! RabbitMQ's address: URL, vhost, and the certificate authorities that TLS trusts.

mod url;

use std::sync::Arc;
use std::{fmt, iter};

use lapin::uri::{AMQPScheme, AMQPUri};
use outbound::Authorities;

use url::Node;

pub use url::InvalidAddress;

/// In bytes. lapin keeps two buffers of 32 frames for each connection: with RabbitMQ's own 128 KiB they are 8 MiB, for messages
/// that are nearly all below 4 KiB.
const LARGEST_FRAME: u32 = 16 * 1024;

/// A server, or the nodes of a cluster. Neither `Debug` nor `Display` shows the password.
#[derive(Clone)]
pub struct Address {
    /// With the first of the nodes.
    uri: Arc<AMQPUri>,
    others: Arc<[Node]>,
    authorities: Authorities,
}

impl Address {
    /// Reads a URL `amqp://` or `amqps://`, with one host or several, separated by commas, which share the rest. Unless it says otherwise, the heartbeat is 10 s, connecting may take 5 s, and a frame has up to 16 KiB. TLS
    /// trusts the system's authorities unless [others](Self::trusting) are given.
    ///
    /// # Errors
    /// Also where a reader of the URL and the library might see different hosts in it.
    pub fn parse(url: &str) -> Result<Self, InvalidAddress> {
        let (mut uri, others) = url::parse(url)?;
        uri.query.heartbeat.get_or_insert(10);
        uri.query.connection_timeout.get_or_insert(5_000);
        uri.query.frame_max.get_or_insert(LARGEST_FRAME);
        let authorities = Authorities::default();
        Ok(Self {
            uri: Arc::new(uri),
            others: others.into(),
            authorities,
        })
    }

    /// Trusts these authorities alone.
    #[must_use]
    pub fn trusting(self, authorities: &Authorities) -> Self {
        let authorities = authorities.clone();
        Self { authorities, ..self }
    }

    /// One address for each node, in the order in which they are tried: from the one that `turn` falls on.
    pub(crate) fn nodes(&self, turn: usize) -> Vec<Self> {
        let only = |uri| Self {
            uri,
            others: Arc::default(),
            authorities: self.authorities.clone(),
        };
        let others = self.others.iter().map(|node| {
            let mut uri = AMQPUri::clone(&self.uri);
            uri.authority.host.clone_from(&node.host);
            uri.authority.port = node.port;
            only(Arc::new(uri))
        });
        let mut nodes: Vec<_> = iter::once(only(Arc::clone(&self.uri))).chain(others).collect();
        nodes.rotate_left(turn % (self.others.len() + 1));
        nodes
    }

    /// Host and port, of the first one where there are several nodes.
    pub(crate) fn node(&self) -> String {
        let first = &self.uri.authority;
        node(&first.host, first.port)
    }

    pub(crate) fn to_uri(&self) -> AMQPUri {
        AMQPUri::clone(&self.uri)
    }

    /// `None` without TLS.
    pub(crate) fn authorities(&self) -> Option<&Authorities> {
        matches!(self.uri.scheme, AMQPScheme::AMQPS).then_some(&self.authorities)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = &self.uri.authority;
        let others = self.others.iter().map(|node| (&node.host, node.port));
        for (host, port) in iter::once((&first.host, first.port)).chain(others) {
            write!(f, "{}, ", node(host, port))?;
        }
        write!(f, "vhost {}, user {}", self.uri.vhost, first.userinfo.username)
    }
}

fn node(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
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

        assert_eq!(address.to_string(), "mq.example:5673, vhost /, user bellhop");
        assert!(!format!("{address:?}").contains("hush"));
    }

    #[test]
    fn the_nodes_of_a_cluster_are_tried_in_turn_and_share_all_else() {
        let address = Address::parse("amqps://u:p@a,[::1]:5673,c:5672/v?heartbeat=20").unwrap();

        assert_eq!(address.to_string(), "a:5671, [::1]:5673, c:5672, vhost v, user u");
        let tried = |turn| {
            address
                .nodes(turn)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let (a, b, c) = (
            "a:5671, vhost v, user u",
            "[::1]:5673, vhost v, user u",
            "c:5672, vhost v, user u",
        );
        assert_eq!(tried(0), [a, b, c]);
        assert_eq!(tried(4), [b, c, a]);
        assert_eq!(address.nodes(1)[0].node(), "[::1]:5673");
        for node in address.nodes(2) {
            let uri = node.to_uri();
            assert_eq!(uri.query.heartbeat, Some(20));
            assert_eq!(uri.authority.userinfo.password, "p");
        }
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
