//! Proxies compared with curl, and authorities read from files.

#[cfg(test)]
mod authorities;
#[cfg(test)]
mod curl;
