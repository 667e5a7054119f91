//! The hosts that are called without a proxy: `NO_PROXY`, as curl reads it.
//!
//! Entries are separated by commas or blanks. A name matches itself and all names below it, with or without a
//! leading dot; an address matches itself; `10.0.0.0/8` matches a network; `*` alone matches every host. Ports are
//! not supported. The only difference to curl: IPv6 addresses are compared as numbers, also in networks and in
//! brackets, and `/0` is every address.

use std::net::IpAddr;

use ipnet::IpNet;
use url::Host;

#[derive(Debug, Clone, Default)]
pub(super) struct Exceptions {
    every_host: bool,
    names: Vec<String>,
    networks: Vec<IpNet>,
}

impl Exceptions {
    /// Reads a list. An entry that is not a name, address or network matches nothing.
    pub(super) fn parse(text: &str) -> Self {
        if text == "*" {
            return Self {
                every_host: true,
                ..Self::default()
            };
        }
        let mut exceptions = Self::default();
        for entry in text.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
            match network(entry) {
                Some(network) => exceptions.networks.push(network),
                None => exceptions.names.extend(name(entry)),
            }
        }
        exceptions
    }

    pub(super) fn contain(&self, host: &Host<&str>) -> bool {
        let in_a_network = |address: IpAddr| self.networks.iter().any(|network| network.contains(&address));
        self.every_host
            || match host {
                Host::Domain(host) => self.names.iter().any(|name| is_at_or_below(host, name)),
                Host::Ipv4(address) => in_a_network((*address).into()),
                Host::Ipv6(address) => in_a_network((*address).into()),
            }
    }
}

fn network(entry: &str) -> Option<IpNet> {
    let (address, bits) = match entry.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (entry, None),
    };
    let address = address
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(address);
    let address: IpAddr = address.parse().ok()?;
    match bits {
        Some(bits) => IpNet::new(address, bits.parse().ok()?).ok(),
        None => Some(address.into()),
    }
}

fn name(entry: &str) -> Option<String> {
    let entry = entry.strip_suffix('.').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    (!entry.is_empty()).then(|| entry.to_ascii_lowercase())
}

fn is_at_or_below(host: &str, name: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host.strip_suffix(name)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
