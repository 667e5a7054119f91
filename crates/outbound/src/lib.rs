//! How connections leave a company's network: through which proxy, and which certificate authorities they trust.
//!
//! [`Proxies`] reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` as curl does, [`Authorities`] reads `SSL_CERT_FILE` and
//! `SSL_CERT_DIR`; both get the variables from the caller, since libraries read no environment. [`Outbound`] makes HTTP
//! clients of the two. It must not know whom they call.

mod authorities;
mod http;
mod proxies;

pub use authorities::{Authorities, NoAuthorities};
pub use http::{HttpClientError, Outbound};
pub use proxies::{Proxies, Proxy};

/// A variable, and what is wrong with it. The text never repeats the value, which may hold credentials.
pub type Problem = (&'static str, String);
