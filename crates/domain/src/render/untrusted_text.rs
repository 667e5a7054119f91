//! Finds links in texts that guests and platforms wrote, which must not lead a resort's guests anywhere.
//!
//! WhatsApp shows an address in a text as a link, with or without `https://`. A person who books with such a name,
//! and with another person's number, would make the resort send them the link.

use url::Host;

/// Reserved by RFC 2606, so IANA does not list it: documents, demos and tests use it.
const EXAMPLE: &str = "example";

/// The dot, and the characters that IDNA treats as one.
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'];

/// Returns the text, unless WhatsApp would show a part of it as a link.
pub(super) fn without_links(text: &str) -> Option<String> {
    (!shows_a_link(text)).then(|| text.to_owned())
}

fn shows_a_link(text: &str) -> bool {
    text.contains("://") || text.split(ends_a_name).any(is_address)
}

/// Whether a character cannot be part of a host's name.
fn ends_a_name(character: char) -> bool {
    let stands_in_names =
        character.is_ascii_alphanumeric() || "-.".contains(character) || !character.is_ascii();
    !stands_in_names || character.is_whitespace()
}

/// Whether a word is, or begins with, the name or the number of a host. The dots of `St.Petersburg`, `J.R.R.` and
/// `20.12.2026` make none: a name counts only if it ends in a top-level domain.
fn is_address(word: &str) -> bool {
    let labels: Vec<&str> = word.split(DOTS).collect();
    let is_name = |pair: &[&str]| match pair {
        ["", _] | [_, ""] => false,
        [first, second] => first.eq_ignore_ascii_case("www") || is_top_level(second),
        _ => false,
    };
    let is_number = |four: &[&str]| four.iter().all(|label| label.parse::<u8>().is_ok());
    labels.windows(2).any(is_name) || labels.windows(4).any(is_number)
}

/// Whether a label is a top-level domain, or begins with one: `com🎁` and `com-` show `com` as the end of a link.
fn is_top_level(label: &str) -> bool {
    let begins = label
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    [label, begins].into_iter().any(|label| match Host::parse(label) {
        // IANA lists names in other scripts as IDNA writes them in ASCII.
        Ok(Host::Domain(name)) => name == EXAMPLE || tld::exist(&name),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_link: bool) {
        assert_eq!(shows_a_link(text), is_link, "{text:?}");
    }

    // shows: T13
    #[test]
    fn whatever_whatsapp_shows_as_a_link_is_recognised() {
        for text in [
            "https://evil.example/prize",
            "HTTPS://EVIL.EXAMPLE",
            "whatsapp://send",
            "http://1",
            "evil.com",
            "Evil.Com",
            "evil.example/x",
            "t.me/prize",
            "Ada evil.com",
            "Ada,evil.com!",
            "(evil.com)",
            "Ada|evil.com?a=b",
            "evil.com.",
            "evil.com.Ada",
            "evil.com:443",
            "evil.com-prize",
            "evil.com\u{1F381}",
            "evil.co.uk",
            "ada@evil.com",
            "www.evil",
            "WWW.evil.de",
            "192.0.2.1/prize",
            "зло.рф",
            "böse.de",
            "evil.xn--p1ai",
            "evil\u{3002}com",
            "ｅｖｉｌ．ｃｏｍ",
        ] {
            check(text, true);
        }
    }

    // shows: T13
    #[test]
    fn names_numbers_dates_and_abbreviations_are_not_links() {
        for text in [
            "Ada Lovelace",
            "J.R.R. Tolkien",
            "J.R.R.Tolkien",
            "И.И.Иванов",
            "St.Petersburg",
            "St. Petersburg",
            "Dr.Müller",
            "Mr./Mrs. Smith",
            "No.5",
            "Nr.12/3",
            "BK-1001",
            "BK.1001.7",
            "20.12.2026",
            "1.240,00 EUR",
            "10:30",
            "Std.Dbl/Twin",
            "Sea view, 2. floor",
            "Suite...",
            "...de luxe",
            "Zimmer .de",
            "com",
            "A & B: c/o D",
            "海景房。带阳台",
            "",
        ] {
            check(text, false);
        }
    }
}
