//! Links that a guest may be sent to.

use url::Url;

use super::text::is_invisible;

/// Longest link, in characters.
pub(super) const LONGEST_LINK: usize = 2_048;

/// Whether a link is https, of an allowed host, and reads the same for every reader of URLs.
///
/// `None` as hosts allows any. Backslashes and names before the host are how one reader is shown another host.
pub(super) fn is_allowed(link: &str, hosts: Option<&[String]>) -> bool {
    if link
        .chars()
        .any(|c| c.is_control() || c == '\\' || is_invisible(c))
    {
        return false;
    }
    let Ok(url) = Url::parse(link) else {
        return false;
    };
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    let allowed = |host: &str| {
        hosts.is_none_or(|hosts| {
            names_host(link, host) && hosts.iter().any(|candidate| candidate.eq_ignore_ascii_case(host))
        })
    };
    plain && url.host_str().is_some_and(allowed)
}

/// Whether the text holds the host as it is meant. Readers of URLs do not agree on what they make of slashes too
/// many or too few, escaped letters, or letters that only look alike.
fn names_host(link: &str, host: &str) -> bool {
    let after = link.get("https://".len()..).unwrap_or_default();
    let (named, rest) = after.split_at_checked(host.len()).unwrap_or_default();
    named.eq_ignore_ascii_case(host) && rest.chars().next().is_none_or(|next| "/?#:".contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: T14
    #[test]
    fn only_https_links_of_the_named_hosts_are_allowed() {
        let hosts = ["book.example".to_owned()];
        let check =
            |link: &str, expected: bool| assert_eq!(is_allowed(link, Some(&hosts)), expected, "{link}");

        check("https://book.example/r/BK-1?x=%20y#z", true);
        check("https://BOOK.example:8443/", true);
        check("http://book.example/", false);
        check("https://evil.example/", false);
        check("https://book.example.evil.example/", false);
        check("https://book.example@evil.example/", false);
        check("https://user:secret@book.example/", false);
        check(r"https://evil.example\@book.example/", false);
        check("https://book.example/\nx", false);
        check("https://book.example/\u{202E}x", false);
        check("https://book.example", true);
        check("https://book.example?x", true);
        check("https://book.example:443@evil.example/", false);
        check("https://book.example%40evil.example/", false);
        check("https://b\u{43E}\u{43E}k.example/", false); // Cyrillic.
        check("https://xn--bk-jlcc.example/", false);
        check("https://\u{FF42}ook.example/", false);
        check("https://book\u{3002}example/", false);
        check("https://%62ook.example/", false);
        check("https:book.example/", false);
        check("https:///book.example/", false);
        check("https:/book.example/", false);
        check("https://book.example./", false);
        check("https://book.example:99999/", false);
        check("https://[::1]/", false);
        check("https://evil.example/https://book.example/", false);
        check("https://evil.example#book.example/", false);
        check("https://evil.example?@book.example/", false);
        check("javascript:alert(1)", false);
        check("//book.example/", false);
        check("book.example", false);
    }

    #[test]
    fn without_named_hosts_any_https_link_is_allowed() {
        assert!(is_allowed("https://anything.example/", None));
        assert!(!is_allowed("http://anything.example/", None));
        assert!(!is_allowed("https://anything.example/", Some(&[])));
    }
}
