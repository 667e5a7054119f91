//! The reason for a failed connection, for logs. The HTTP library's own texts may name hosts and addresses.

use std::error::Error;
use std::io;

pub(super) fn reason(error: &reqwest::Error) -> &'static str {
    let mut said = None;
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        // The innermost known reason is the most exact.
        said = of_one(error).or(said);
        cause = error.source();
    }
    said.unwrap_or("no connection could be made")
}

fn of_one(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // An `io::Error` that wraps another error reports that error's source as its own, so the inner error would
        // be skipped.
        let inner = error.get_ref().and_then(|inner| of_one(inner));
        return inner.or_else(|| of_kind(error.kind()));
    }
    // These errors' types are private to the HTTP libraries.
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
