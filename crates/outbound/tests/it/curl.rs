//! Compares with curl: for each setting, whether curl uses the proxy, and what it sends to the proxy.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use outbound::Proxies;
use url::Url;

/// Answers every request with 502 and returns its head.
struct Listener {
    port: u16,
    heads: Receiver<String>,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (out, heads) = mpsc::channel();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (head, connection) = read_head(connection);
                // Before the answer: curl may end with it.
                if out.send(head).is_err() {
                    return;
                }
                refuse(connection);
            }
        });
        Self { port, heads }
    }

    /// The heads that have arrived.
    fn heads(&self) -> Vec<String> {
        self.heads.try_iter().collect()
    }
}

fn read_head(mut connection: TcpStream) -> (String, TcpStream) {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match connection.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(read) => head.extend_from_slice(&part[..read]),
        }
    }
    (String::from_utf8_lossy(&head).into_owned(), connection)
}

fn refuse(mut connection: TcpStream) {
    let said = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    // curl may have closed the connection.
    let _ = connection.write_all(said);
}

/// Lets curl call the URL. A direct call is refused at once, at a port without a server.
fn curl(variables: &[(&str, &str)], url: &str) {
    Command::new("curl")
        .args(["--silent", "--output", "/dev/null", "--max-time", "20"])
        .args(["--connect-to", "::127.0.0.1:1", url])
        .env_clear()
        .envs(variables.iter().copied())
        .status()
        .expect("curl must be there; scripts/test installs it");
}

fn read(variables: &[(&str, &str)]) -> (Proxies, usize) {
    let (proxies, problems) = Proxies::read(|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    (proxies, problems.len())
}

fn parsed(url: &str) -> Url {
    url.parse().unwrap()
}

#[test]
fn hosts_are_called_without_a_proxy_where_curl_calls_them_without_one() {
    let listener = Listener::start();
    let proxy = format!("http://127.0.0.1:{}", listener.port);
    for (list, host) in [
        ("*", "graph.test"),
        ("other.test,*", "graph.test"),
        (" * ", "graph.test"),
        ("*.test", "graph.test"),
        ("graph.test", "graph.test"),
        ("GRAPH.test", "graph.test"),
        (".graph.test", "graph.test"),
        ("..graph.test", "graph.test"),
        ("test", "graph.test"),
        (".test", "graph.test"),
        ("est", "graph.test"),
        ("graph.test.", "graph.test"),
        ("graph.test", "graph.test."),
        ("graph.test:443", "graph.test"),
        ("a.graph.test", "graph.test"),
        ("other.test graph.test", "graph.test"),
        ("other.test\tgraph.test", "graph.test"),
        ("other.test , graph.test", "graph.test"),
        ("other.test,,graph.test", "graph.test"),
        ("other.test;graph.test", "graph.test"),
        (".", "graph.test"),
        (",", "graph.test"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.0.0.0/8", "11.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2", "10.1.2.3"),
        ("10.", "10.1.2.3"),
        ("2.3", "10.1.2.3"),
        ("10.0.0.0/33", "10.1.2.3"),
        ("10.1.2.0/-1", "10.1.2.3"),
        ("10.1.2.0/ 24", "10.1.2.3"),
        ("010.1.2.3", "10.1.2.3"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("2001:db8::2", "[2001:db8::1]"),
        ("10.1.2.3", "[::ffff:a01:203]"),
    ] {
        let variables = [("https_proxy", proxy.as_str()), ("no_proxy", list)];
        let url = format!("https://{host}/");

        curl(&variables, &url);
        let ours = read(&variables).0.for_url(&parsed(&url)).is_some();

        assert_eq!(ours, !listener.heads().is_empty(), "NO_PROXY={list:?} {host}");
    }
}

/// Newer versions of curl agree; the one in Debian 12 compares IPv6 addresses as texts.
#[test]
fn beyond_curl_ipv6_addresses_are_compared_as_numbers_and_slash_0_is_every_address() {
    for (list, host) in [
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("2001:DB8:0::1", "[2001:db8::1]"),
        ("2001:db8::/32", "[2001:db8::1]"),
        ("[2001:db8::]/32", "[2001:db8::1]"),
        ("::/0", "[2001:db8::1]"),
        ("0.0.0.0/0", "10.1.2.3"),
    ] {
        let variables = [("https_proxy", "proxy.example"), ("no_proxy", list)];
        let url = parsed(&format!("https://{host}/"));

        assert!(
            read(&variables).0.for_url(&url).is_none(),
            "NO_PROXY={list:?} {host}"
        );
    }
}

#[test]
fn a_proxys_url_is_read_and_refused_as_curl_does() {
    let listener = Listener::start();
    let port = listener.port;
    for form in [
        "http://127.0.0.1:P",
        "127.0.0.1:P",
        "HTTP://127.0.0.1:P/path",
        "http://user:hunter2@127.0.0.1:P",
        "user:hunter2@127.0.0.1:P",
        "http://user@127.0.0.1:P",
        "http://:hunter2@127.0.0.1:P",
        "http://user:p%40s%2Fs%3A%25@127.0.0.1:P",
        "http://user:a:b\\c%zz%@127.0.0.1:P",
        "http://user:%C3%BC\u{fc}@127.0.0.1:P",
        "http://user:a!$&'()*,;=~|\"<>^`{}@127.0.0.1:P",
        "http://user:p@ss@127.0.0.1:P",
        "http://user:p/ss@127.0.0.1:P",
        "http://user:p?ss@127.0.0.1:P",
        "http://user:p#ss@127.0.0.1:P",
        "http://user:p ss@127.0.0.1:P",
        "http://user:a%0ab@127.0.0.1:P",
        "ftp://127.0.0.1:P",
        "http://:P",
        "http://user:hunter2@:P",
    ] {
        let value = form.replace('P', &port.to_string());
        let variables = [("https_proxy", value.as_str())];

        curl(&variables, "https://graph.test/");
        let (proxies, problems) = read(&variables);

        let heads = listener.heads();
        assert_eq!(problems == 0, !heads.is_empty(), "{form}");
        let theirs = heads.first().and_then(|head| {
            head.lines()
                .find_map(|line| line.strip_prefix("Proxy-Authorization: "))
        });
        let ours = proxies.for_url(&parsed("https://graph.test/"));
        let ours = ours.map(|proxy| proxy.authorization().map(str::to_owned));
        assert_eq!(ours.unwrap_or_default().as_deref(), theirs, "{form}");
    }
}

#[test]
fn the_variable_that_counts_is_the_one_that_counts_for_curl() {
    let listener = Listener::start();
    let here = format!("http://127.0.0.1:{}", listener.port);
    let (here, nowhere) = (here.as_str(), "http://127.0.0.1:2");
    let cases: [(&[(&str, &str)], &str); 8] = [
        (
            &[("https_proxy", here), ("HTTPS_PROXY", nowhere)],
            "https://graph.test/",
        ),
        (
            &[("https_proxy", nowhere), ("HTTPS_PROXY", here)],
            "https://graph.test/",
        ),
        (
            &[("https_proxy", ""), ("HTTPS_PROXY", here)],
            "https://graph.test/",
        ),
        (&[("HTTPS_PROXY", here)], "http://graph.test/"),
        (&[("http_proxy", here)], "http://graph.test/"),
        (&[("http_proxy", here)], "https://graph.test/"),
        (
            &[
                ("https_proxy", here),
                ("no_proxy", "x"),
                ("NO_PROXY", "graph.test"),
            ],
            "https://graph.test/",
        ),
        (
            &[
                ("https_proxy", here),
                ("no_proxy", ""),
                ("NO_PROXY", "graph.test"),
            ],
            "https://graph.test/",
        ),
    ];
    for (variables, url) in cases {
        curl(variables, url);
        let (proxies, _) = read(variables);

        let ours = proxies
            .for_url(&parsed(url))
            .is_some_and(|proxy| proxy.url().port() == Some(listener.port));
        assert_eq!(ours, !listener.heads().is_empty(), "{variables:?} {url}");
    }
}
