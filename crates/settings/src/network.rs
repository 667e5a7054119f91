//! Reads networks in lists of addresses.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// The bits of an IPv6 address before the IPv4 address that it may contain.
const MAPPED: u8 = 96;

/// Reads a network such as `203.0.113.0/24`, or a single address. An IPv4 network written as IPv6 becomes the IPv4
/// network.
pub fn parse(text: &str) -> Option<IpNet> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.ok().map(canonical)
}

/// Reads networks and addresses that are separated by commas.
///
/// # Errors
/// A clause that says how the list is written, where an item is neither.
pub fn parse_list(text: &str) -> Result<Vec<IpNet>, &'static str> {
    let networks = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    networks
        .map(|part| parse(part).ok_or("is not a list of networks such as 10.0.0.0/8,fd00::/8"))
        .collect()
}

fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(written) = network else {
        return network;
    };
    let inner = written
        .prefix_len()
        .checked_sub(MAPPED)
        .zip(written.addr().to_ipv4_mapped());
    inner
        .and_then(|(length, address)| Ipv4Net::new(address, length).ok())
        .map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: T6
    #[test]
    fn an_ipv4_network_written_as_ipv6_is_the_same_network() {
        let check =
            |text: &str, expected: &str| assert_eq!(parse(text).unwrap().to_string(), expected, "{text}");

        check("10.0.0.0/8", "10.0.0.0/8");
        check("::ffff:10.0.0.0/104", "10.0.0.0/8");
        check("::ffff:0:0/96", "0.0.0.0/0");
        check("::ffff:192.0.2.1", "192.0.2.1/32");
        check("fd00::1", "fd00::1/128");
        check("::/0", "::/0");
        assert_eq!(parse("10.0.0.0/33"), None);
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn a_list_holds_networks_and_single_addresses() {
        let networks = parse_list("10.0.0.0/8, fd00::1,").unwrap();

        assert_eq!(networks.len(), 2);
        assert_eq!(networks[1].to_string(), "fd00::1/128");
    }
}
