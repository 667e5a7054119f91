//! Messages as guests will see them: sample guests, the lines on a phone, and Meta's limits.

use chrono::{DateTime, TimeDelta, Utc};
use unicode_width::UnicodeWidthChar;

use crate::facts::{Fact, Facts, Stamp};
use crate::resort::{Language, Resort};
use crate::stay::{Money, Personal};
use crate::template_text::{ButtonText, Filled, FilledText, Origin, Piece};
use crate::text_enum::text_enum;

/// Columns of a line on a phone.
///
/// An estimate for a screen of 360 dp and the usual size of text, where about 35 Latin letters fit between a bubble's
/// margins. Meta publishes no width.
pub const COLUMNS: usize = 35;
/// The lines of a marketing message's body before "read more" (seen since December 2025).
pub const LINES_BEFORE_CUT: usize = 4;

/// The id of every sample guest's booking.
pub const SAMPLE_BOOKING: &str = "BK-1001";

/// Characters of a header whose variables have their values (Meta, template components; so are all of these).
pub const HEADER_MAX: usize = 60;
pub const BODY_MAX: usize = 1024;
pub const FOOTER_MAX: usize = 60;
pub const LABEL_MAX: usize = 25;
pub const URL_MAX: usize = 2000;

text_enum! {
    /// Guests on whom a message may fail.
    SampleGuest("sample guest") {
        Ordinary = "ordinary",
        /// As long as names are in the world's passports.
        LongName = "long_name",
        /// The platform sent the link and nothing else.
        Incomplete = "incomplete",
        /// The name and the room are Arabic.
        RightToLeft = "right_to_left",
    }
}

impl SampleGuest {
    /// What is known of the guest's booking: a week from three weeks after `now` on.
    pub fn facts(self, resort: &Resort, language: &Language, now: DateTime<Utc>) -> Facts {
        let stamp = Stamp {
            at: now,
            rank: 0,
            event: "preview".to_owned(),
        };
        let host = resort.link_hosts.as_ref().and_then(|hosts| hosts.first());
        let host = host.map_or("book.example", String::as_str);
        let known = Facts {
            language: Some(fact(&stamp, language.as_str().to_owned())),
            resume_url: Some(fact(
                &stamp,
                Personal::new(format!("https://{host}/r/{SAMPLE_BOOKING}")),
            )),
            ..Facts::default()
        };
        let Some((name, room)) = self.name_and_room() else {
            return known;
        };
        let arrival = (now + TimeDelta::days(21))
            .with_timezone(&resort.time_zone)
            .date_naive();
        Facts {
            name: Some(fact(&stamp, Personal::new(name))),
            room: Some(fact(&stamp, room.to_owned())),
            check_in: Some(fact(&stamp, arrival)),
            check_out: Some(fact(&stamp, arrival + TimeDelta::days(7))),
            guests: Some(fact(&stamp, 2)),
            total: Money::parse("1240.00", "EUR").map(|total| fact(&stamp, total)),
            ..known
        }
    }

    const fn name_and_room(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Ordinary => Some(("Anna Schmidt", "Sea view")),
            Self::LongName => Some((
                "Konstantinos-Alexandros Papadimitriou-Anagnostopoulos von Hohenberg",
                "Two-bedroom family suite with a private pool and a view of the sea, ground floor",
            )),
            Self::Incomplete => None,
            Self::RightToLeft => Some(("أحمد المنصوري", "إطلالة على البحر")),
        }
    }
}

fn fact<T>(stamp: &Stamp, value: T) -> Fact<T> {
    Fact {
        stamp: stamp.clone(),
        value,
    }
}

/// The lines of a text on a phone, broken between words; a word that is longer than a line is broken.
pub fn lines(text: &FilledText) -> Vec<FilledText> {
    paragraphs(text).into_iter().flatten().collect()
}

/// The lines of each paragraph: a phone writes a paragraph in one direction, that of its first letter.
pub fn paragraphs(text: &FilledText) -> Vec<Vec<FilledText>> {
    let cells: Vec<Cell> = text.0.iter().flat_map(cells).collect();
    let paragraphs = cells.split(|(character, _)| *character == '\n');
    let filled = |line: Vec<Cell>| FilledText(pieces(&line));
    paragraphs
        .map(|paragraph| wrap(paragraph).into_iter().map(filled).collect())
        .collect()
}

type Cell = (char, Origin);

fn cells(piece: &Piece) -> impl Iterator<Item = Cell> {
    piece.text.chars().map(|character| (character, piece.origin))
}

fn wrap(paragraph: &[Cell]) -> Vec<Vec<Cell>> {
    let (mut lines, mut line, mut width) = (Vec::new(), Vec::new(), 0);
    for word in paragraph.split(|(character, _)| *character == ' ') {
        let blank = usize::from(!line.is_empty());
        if blank == 1 && width + blank + columns(word) > COLUMNS {
            lines.push(std::mem::take(&mut line));
            width = 0;
        } else if blank == 1 {
            line.push((' ', between(&line, word)));
            width += blank;
        }
        for cell in word {
            let wide = columns(&[*cell]);
            if width + wide > COLUMNS {
                lines.push(std::mem::take(&mut line));
                width = 0;
            }
            line.push(*cell);
            width += wide;
        }
    }
    lines.push(line);
    lines
}

/// A blank between two words of one value belongs to the value.
fn between(line: &[Cell], word: &[Cell]) -> Origin {
    match (line.last(), word.first()) {
        (Some((_, Origin::Value)), Some((_, Origin::Value))) => Origin::Value,
        _ => Origin::Template,
    }
}

fn columns(cells: &[Cell]) -> usize {
    let width = |(character, _): &Cell| character.width().unwrap_or_default();
    cells.iter().map(width).sum()
}

fn pieces(line: &[Cell]) -> Vec<Piece> {
    let pieces = line.chunk_by(|(_, one), (_, next)| one == next);
    let piece = |cells: &[Cell]| {
        let (_, origin) = cells.first()?;
        let text = cells.iter().map(|(character, _)| character).collect();
        Some(Piece {
            text,
            origin: *origin,
        })
    };
    pieces.filter_map(piece).collect()
}

/// A part of a message, and its characters against Meta's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// `header`, `body`, `footer`, `label`, `url`
    pub part: &'static str,
    pub count: usize,
    pub max: usize,
}

impl Length {
    pub fn is_too_long(&self) -> bool {
        self.count > self.max
    }
}

/// The length of every part that a message has.
pub fn lengths(message: &Filled) -> Vec<Length> {
    let of = |part, count, max| Length { part, count, max };
    let count = |text: &String| text.chars().count();
    let header = message
        .header
        .iter()
        .map(|text| of("header", text.count(), HEADER_MAX));
    let body = [of("body", message.body.count(), BODY_MAX)];
    let footer = message
        .footer
        .iter()
        .map(|text| of("footer", count(text), FOOTER_MAX));
    let of_button = |button: &ButtonText| {
        let label = of("label", count(&button.label), LABEL_MAX);
        let url = button.url.as_ref().map(|url| of("url", count(url), URL_MAX));
        [Some(label), url].into_iter().flatten()
    };
    let buttons = message.buttons.iter().flat_map(of_button);
    header.chain(body).chain(footer).chain(buttons).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: &[(&str, Origin)]) -> FilledText {
        let piece = |(text, origin): &(&str, Origin)| Piece {
            text: (*text).to_owned(),
            origin: *origin,
        };
        FilledText(pieces.iter().map(piece).collect())
    }

    fn plain(text: &FilledText) -> Vec<String> {
        lines(text).iter().map(FilledText::plain).collect()
    }

    #[test]
    fn lines_are_broken_between_words_and_at_line_breaks() {
        let body = FilledText::of("Hello Anna, would you like to finish your booking?\n\nArrival: today");

        assert_eq!(
            plain(&body),
            [
                "Hello Anna, would you like to",
                "finish your booking?",
                "",
                "Arrival: today"
            ]
        );
    }

    #[test]
    fn a_word_that_is_longer_than_a_line_is_broken_and_wide_letters_count_twice() {
        let long = format!("Hi {}", "x".repeat(40));
        assert_eq!(plain(&FilledText::of(&long)), ["Hi", &"x".repeat(35), "xxxxx"]);

        let wide = "海".repeat(18);
        assert_eq!(plain(&FilledText::of(&wide)), ["海".repeat(17), "海".to_owned()]);

        // The second character is a combining accent, which has no width.
        let accents = "e\u{301}".repeat(35);
        assert_eq!(plain(&FilledText::of(&accents)), [accents]);
    }

    #[test]
    fn a_value_stays_one_piece_on_each_of_its_lines() {
        let body = text(&[
            ("Hello ", Origin::Template),
            ("Konstantinos-Alexandros Papadimitriou", Origin::Value),
            (", welcome", Origin::Template),
        ]);

        let shown = lines(&body);

        let first = text(&[
            ("Hello ", Origin::Template),
            ("Konstantinos-Alexandros", Origin::Value),
        ]);
        let second = text(&[("Papadimitriou", Origin::Value), (", welcome", Origin::Template)]);
        assert!(shown == [first, second], "{:?}", plain(&body));
        let short = text(&[("Ada Lovelace", Origin::Value)]);
        assert!(lines(&short) == [short]);
    }

    #[test]
    fn every_part_is_counted_against_its_limit() {
        let message = Filled {
            header: Some(FilledText::of(&"é".repeat(61))),
            body: FilledText::of("Hi"),
            footer: None,
            buttons: vec![ButtonText {
                label: "Stop".to_owned(),
                url: None,
            }],
            misfits: Vec::new(),
        };

        let counted = lengths(&message);

        let shown: Vec<_> = counted.iter().map(|one| (one.part, one.count, one.max)).collect();
        assert_eq!(shown, [("header", 61, 60), ("body", 2, 1024), ("label", 4, 25)]);
        assert!(counted[0].is_too_long() && !counted[1].is_too_long());
    }

    #[test]
    fn an_incomplete_guest_has_a_link_and_nothing_else() {
        assert_eq!(SampleGuest::Incomplete.name_and_room(), None);
        let named = SampleGuest::ALL
            .iter()
            .filter(|guest| guest.name_and_room().is_some());
        assert_eq!(named.count(), 3);
    }
}
