//! Which proxy a URL is called through: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as curl reads them.
//!
//! The lower-case name overrules the upper-case one, and an empty variable counts as unset. There are two
//! differences to curl: `HTTP_PROXY` is read in upper case too (this is no CGI program), and loopback addresses
//! never use a proxy.

mod exceptions;
mod proxy;

use url::{Host, Url};

use crate::Problem;
use exceptions::Exceptions;

pub use proxy::Proxy;

const HTTPS: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
const HTTP: [&str; 2] = ["http_proxy", "HTTP_PROXY"];
const NONE_FOR: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxies for each scheme, and the hosts that are called without one. `Default` has none.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    exceptions: Exceptions,
}

impl Proxies {
    /// Reads the variables; a URL that cannot be used is a problem.
    pub fn read(mut look_up: impl FnMut(&str) -> Option<String>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut proxy = |names| {
            let (name, text) = first_set(names, &mut look_up)?;
            Proxy::parse(&text)
                .map_err(|invalid| problems.push((name, invalid.to_string())))
                .ok()
        };
        let (https, http) = (proxy(HTTPS), proxy(HTTP));
        let exceptions = first_set(NONE_FOR, &mut look_up).map(|(_, text)| Exceptions::parse(&text));
        let proxies = Self {
            https,
            http,
            exceptions: exceptions.unwrap_or_default(),
        };
        (proxies, problems)
    }

    /// The proxy for a URL; `None`: a direct connection.
    pub fn for_url(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref()?,
            "http" => self.http.as_ref()?,
            _ => return None,
        };
        let host = url.host()?;
        (!is_loopback(&host) && !self.exceptions.contain(&host)).then_some(proxy)
    }
}

fn first_set(
    names: [&'static str; 2],
    look_up: &mut impl FnMut(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| {
        look_up(name)
            .filter(|text| !text.is_empty())
            .map(|text| (name, text))
    })
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => {
            address.is_loopback()
                || address
                    .to_ipv4_mapped()
                    .is_some_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Proxies, Vec<Problem>) {
        Proxies::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn proxy_of(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let (proxies, problems) = read(variables);
        assert!(problems.is_empty(), "{problems:?}");
        proxies
            .for_url(&url.parse().unwrap())
            .map(|proxy| proxy.url().to_string())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_the_lower_case_name_counts_first() {
        let both = [
            ("HTTPS_PROXY", "https.example:1"),
            ("HTTP_PROXY", "http.example:2"),
        ];
        let lower = [
            ("https_proxy", "lower.example:1"),
            ("HTTPS_PROXY", "upper.example:1"),
        ];
        let empty = [("https_proxy", ""), ("HTTPS_PROXY", "upper.example:1")];

        let of = |variables, url| proxy_of(variables, url).unwrap_or_default();

        assert_eq!(of(&both, "https://graph.example/"), "http://https.example:1/");
        assert_eq!(of(&both, "http://graph.example/"), "http://http.example:2/");
        assert_eq!(of(&lower, "https://graph.example/"), "http://lower.example:1/");
        assert_eq!(of(&empty, "https://graph.example/"), "http://upper.example:1/");
        assert_eq!(proxy_of(&lower, "http://graph.example/"), None);
    }

    #[test]
    fn loopback_addresses_never_go_through_a_proxy() {
        let set = [("HTTPS_PROXY", "proxy.example:1")];
        for host in [
            "localhost",
            "LOCALHOST.",
            "graph.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "0x7f.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(proxy_of(&set, &format!("https://{host}/")), None, "{host}");
        }
        for host in ["localhost.example", "128.0.0.1", "[::2]", "[::ffff:10.0.0.1]"] {
            assert!(proxy_of(&set, &format!("https://{host}/")).is_some(), "{host}");
        }
    }

    // shows: T19
    #[test]
    fn an_unusable_url_is_reported_without_its_value() {
        let set = [
            ("https_proxy", "socks5://user:hunter2@proxy.example"),
            ("HTTP_PROXY", "http://user:hunter2/@proxy.example"),
        ];

        let (_, problems) = read(&set);

        let names: Vec<&str> = problems.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["https_proxy", "HTTP_PROXY"]);
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}
