//! Why no connection could be made, in words for logs: the library's own may name hosts and addresses.

use std::error::Error;
use std::io;

/// The reason behind a connect error.
pub(super) fn reason(error: &reqwest::Error) -> &'static str {
    let mut said = None;
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        // The innermost reason that is known says most.
        said = of_one(error).or(said);
        cause = error.source();
    }
    said.unwrap_or("no connection could be made")
}

fn of_one(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // One that wraps another names the other's source as its own, and skips the other.
        let inner = error.get_ref().and_then(|inner| of_one(inner));
        return inner.or_else(|| of_kind(error.kind()));
    }
    // These types are private to the HTTP libraries.
    let text = error.to_string();
    if text.contains("dns error") {
        Some("its name is not known")
    } else if text.contains("timed out") {
        Some("no connection in time")
    } else if text.contains("tunnel") || text.contains("proxy") {
        Some("the proxy refuses to connect")
    } else {
        None
    }
}

fn of_kind(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("the connection is refused"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Some("there is no route to it"),
        io::ErrorKind::InvalidData => Some("TLS could not be agreed on, or the certificate is not trusted"),
        io::ErrorKind::TimedOut => Some("no connection in time"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            Some("the connection ended before it was made")
        }
        _ => None,
    }
}
