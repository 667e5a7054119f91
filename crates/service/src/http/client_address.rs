//! The address that a request came from, as far as our own proxies know it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// The address of a caller whose own address is unknown. A list of allowed networks contains it only if it contains
/// every address.
const UNKNOWN_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The address that a request came from: the first one, read from the right, that is not one of our own proxies.
///
/// The addresses further left were written by the caller and could be anything. If a proxy of ours forwards a
/// request from an unreadable address, the request comes from [`UNKNOWN_ADDRESS`], not from the proxy.
pub fn client_address<'h>(
    peer: Option<IpAddr>,
    forwarded_for: impl DoubleEndedIterator<Item = &'h [u8]>,
    trusted_proxies: &[IpNet],
) -> IpAddr {
    let is_ours = |address: &IpAddr| trusted_proxies.iter().any(|network| network.contains(address));
    let mut address = peer.map_or(UNKNOWN_ADDRESS, |peer| peer.to_canonical());
    let mut hops = forwarded_for
        .rev()
        .flat_map(|line| line.rsplit(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|hop| !hop.is_empty());
    while is_ours(&address)
        && let Some(hop) = hops.next()
    {
        address = parse_hop(hop).unwrap_or(UNKNOWN_ADDRESS);
    }
    address
}

/// What counts as one caller where callers are counted: who has one IPv6 address has the whole /64 network.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    // shows: T6
    #[test]
    fn forwarded_addresses_are_believed_from_the_right_as_far_as_the_proxies_are_ours() {
        let ours: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let check = |peer: &str, forwarded: &[&str], expected: &str| {
            let lines = forwarded.iter().map(|line| line.as_bytes());
            let address = client_address(Some(ip(peer)), lines, &ours);
            assert_eq!(address, ip(expected), "{peer} {forwarded:?}");
        };

        check("198.51.100.7", &[], "198.51.100.7");
        check("198.51.100.7", &["203.0.113.9"], "198.51.100.7");
        check("10.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["192.0.2.1, 203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["192.0.2.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9");
        check("::ffff:10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1");
        check("fd00::1", &["203.0.113.9:4711"], "203.0.113.9");
        check("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1");
        check("10.0.0.1", &["\u{e9}, 203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["203.0.113.9, \u{e9}"], "0.0.0.0");
        check("10.0.0.1", &["203.0.113.9, unknown"], "0.0.0.0");
        check("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"], "0.0.0.0");
        check("10.0.0.1", &["203.0.113.9,, "], "203.0.113.9");
        check("10.0.0.1", &[""], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
    }
}
