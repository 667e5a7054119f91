//! How connections leave a company's network: through which proxy, and which certificate authorities they trust.
//!
//! [`Proxies`] reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` as curl does; [`Authorities`] reads `SSL_CERT_FILE`
//! and `SSL_CERT_DIR`. The caller looks the variables up, since libraries do not read the environment. [`Outbound`]
//! combines both into HTTP clients. The crate knows nothing about the servers that are called.

mod authorities;
mod http;
mod proxies;

pub use authorities::{Authorities, NoAuthorities};
pub use http::{HttpClientError, Outbound};
pub use proxies::{Proxies, Proxy};

/// A variable, and what is wrong with its value. The text never repeats the value, which may hold credentials.
pub type Problem = (&'static str, String);
