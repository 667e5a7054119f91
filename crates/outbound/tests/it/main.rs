//! Proxies held against curl, and authorities read from files.

mod authorities;
mod curl;
