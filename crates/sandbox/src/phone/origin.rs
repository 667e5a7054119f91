//! Whether a form was sent by a page of the sandbox itself.

/// What a browser says of where a request comes from; each header's value, where there is one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sender<'h> {
    /// `Sec-Fetch-Site`.
    pub(crate) site: Option<&'h str>,
    /// `Origin`.
    pub(crate) origin: Option<&'h str>,
    /// `Host`.
    pub(crate) host: Option<&'h str>,
}

impl Sender<'_> {
    /// Any page can make a browser post to this address, so only forms of our own pages count.
    ///
    /// Browsers leave `Sec-Fetch-Site` out where the address is neither https nor the machine itself, as for a phone in
    /// the same network; then the origin's host decides. A client that sends neither header is no browser: it is let in,
    /// as it is at `/sandbox/inbound`.
    pub(crate) fn is_ours(self) -> bool {
        match (self.site, self.origin) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => origin
                .split_once("://")
                .is_some_and(|(_, authority)| Some(authority) == self.host),
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_other_pages_are_told_from_our_own() {
        let host = Some("127.0.0.1:8090");
        let cases = [
            (Some("same-origin"), Some("http://127.0.0.1:8090"), true),
            (Some("same-origin"), None, true),
            (Some("cross-site"), Some("http://127.0.0.1:8090"), false),
            (Some("same-site"), None, false),
            (Some("none"), None, false),
            (None, Some("http://127.0.0.1:8090"), true),
            (None, Some("http://127.0.0.1:8091"), false),
            (None, Some("https://evil.example"), false),
            (None, Some("null"), false),
            (None, None, true),
        ];

        for (site, origin, expected) in cases {
            let sender = Sender { site, origin, host };
            assert_eq!(sender.is_ours(), expected, "{sender:?}");
        }
        let without_host = Sender {
            origin: Some("null"),
            ..Sender::default()
        };
        assert!(!without_host.is_ours());
    }
}
