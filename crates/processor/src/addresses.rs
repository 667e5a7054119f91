//! Which addresses may be called: those of platforms, and of resorts' own tools. A file names the hosts; what their names lead to
//! is not the operator's to say, so a name that leads into the own network is refused.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// A name that leads to no public address.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("its name leads to an address that is not public")]
pub(crate) struct NotPublic;

/// How a name is looked up.
pub(crate) type LookUp = fn(String) -> Found;
type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Resolves names, to public addresses only. The connection is made to what was checked. `localhost` is this machine, which a file
/// has to name itself; an address in a URL is no name and is never resolved.
#[derive(Clone, Copy)]
pub(crate) struct PublicOnly(pub(crate) LookUp);

impl PublicOnly {
    /// As the system looks names up.
    pub(crate) const SYSTEM: Self = Self(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
    });
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let found = (self.0)(name.clone());
        Box::pin(async move {
            let allowed = allowed(&name, found.await?)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Those of a name's addresses that may be called.
fn allowed(name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
    let may_be_called = |address: &SocketAddr| match name {
        "localhost" => address.ip().is_loopback(),
        _ => is_public(address.ip()),
    };
    let found_any = !found.is_empty();
    let allowed: Vec<SocketAddr> = found.into_iter().filter(may_be_called).collect();
    if found_any && allowed.is_empty() {
        return Err(NotPublic);
    }
    Ok(allowed)
}

/// Whether a URL's host is one of these, and is called over https or is this machine. A clause about it if not.
pub(crate) fn check_host(url: &Url, hosts: &BTreeSet<String>) -> Result<(), &'static str> {
    let is_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_this_machine) {
        return Err("is not https");
    }
    match url.host_str() {
        Some(host) if hosts.contains(host) => Ok(()),
        _ => Err("is on a host that the source's file does not name"),
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Not in IANA's registry of special-purpose IPv4 addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224 // multicast and reserved
        || (a == 100 && (64..128).contains(&b)) // of carriers
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)); // benchmarks
    !is_special
}

/// A global unicast address that hides no special IPv4 address.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // NAT64 and 6to4 lead to the IPv4 address that is written in them.
        (0x64, 0xff9b) => [c, d, e, f] == [0; 4] && v4(g, h),
        (0x2002, _) => v4(b, c),
        (0x2001, 0xdb8) => false,
        // Teredo, ORCHID, benchmarks and other protocols' own.
        (0x2001, b) => b >= 0x200,
        (0x3fff, b) => b >= 0x1000,
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_may_be_called() {
        let private = "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 127.0.0.1 127.9.9.9 169.254.169.254 0.0.0.0 0.1.2.3 \
             100.64.0.1 192.0.0.8 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 240.0.0.1 \
             255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 fe80::1 fc00::1 fd00:ec2::254 \
             fec0::1 ff02::1 2001:db8::1 2001::1 64:ff9b::a00:1 64:ff9b:1::1 2002:7f00:1:: 3fff::1 100::1";
        let public = "1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.1.1 198.17.0.1 \
             198.20.0.1 223.255.255.255 ::ffff:1.1.1.1 2001:4860:4860::8888 2606:4700::1111 2a05:d018::1 64:ff9b::101:101 \
             2002:101:101::";

        for address in private.split(' ') {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in public.split(' ') {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_name_is_called_at_its_public_addresses_and_localhost_at_its_own() {
        let socket = |address: &str| SocketAddr::new(address.parse().unwrap(), 0);
        let of = |name: &str, addresses: &[&str]| {
            let found = addresses.iter().map(|address| socket(address)).collect();
            allowed(name, found).map_err(drop)
        };

        assert_eq!(
            of("api.example", &["10.0.0.1", "1.1.1.1"]),
            Ok(vec![socket("1.1.1.1")])
        );
        assert_eq!(of("api.example", &["10.0.0.1", "::1"]), Err(()));
        assert_eq!(of("api.example", &[]), Ok(Vec::new()));
        assert_eq!(of("localhost", &["127.0.0.1"]), Ok(vec![socket("127.0.0.1")]));
        assert_eq!(of("localhost", &["10.0.0.1"]), Err(()));
        assert_eq!(of("my.localhost", &["127.0.0.1"]), Err(()));
    }

    #[test]
    fn only_hosts_that_the_file_names_are_called_and_over_https() {
        let hosts = BTreeSet::from(["api.example", "10.0.0.7", "127.0.0.1", "[::1]"].map(str::to_owned));
        let is_good = |url: &str| check_host(&url.parse().unwrap(), &hosts).is_ok();

        for good in [
            "https://api.example/x",
            "https://API.example:8443/x",
            "https://10.0.0.7/x",
            "http://127.0.0.1:8080/x",
            "http://[::1]:8080/x",
        ] {
            assert!(is_good(good), "{good}");
        }
        for bad in [
            "http://api.example/x",
            "http://10.0.0.7/x",
            "https://evil.example/x",
            "https://api.example.evil.example/x",
            "https://api.example@evil.example/x",
            "https://127.0.0.2/x",
            "http://localhost/x",
            "ftp://api.example/x",
        ] {
            assert!(!is_good(bad), "{bad}");
        }
    }
}
