//! Previews on a terminal: the lines of a phone, and scripts that run in both directions.
//!
//! A terminal orders the letters of a line by the line alone. Where a paragraph has right-to-left letters, each of its lines
//! is an isolate of the paragraph's direction and each value in it one of its own (U+2066 to U+2069), so that their order is
//! the one on the phone. WhatsApp gets the values as they are, and --json has them so.

use domain::preview;
use domain::template_text::{FilledText, Origin};

use crate::actions::preview::{MessageView, PreviewView};

/// Left to right, right to left, and in the direction of its first letter.
const LEFT_TO_RIGHT: char = '\u{2066}';
const RIGHT_TO_LEFT: char = '\u{2067}';
const BY_FIRST_LETTER: char = '\u{2068}';
const END_OF_ISOLATE: char = '\u{2069}';

pub(super) fn text(views: &[PreviewView]) -> String {
    let all: Vec<String> = views.iter().map(of_one).collect();
    all.join("\n")
}

fn of_one(view: &PreviewView) -> String {
    let mut text = format!("{}\n", head(view));
    if let Some(reason) = view.not_sent {
        row(&mut text, "not sent", reason);
    }
    match &view.message {
        Some(message) => words(&mut text, message),
        None => values(&mut text, view),
    }
    for problem in &view.problems {
        row(&mut text, "error", problem);
    }
    if let Some(sent) = &view.sent {
        row(&mut text, "sent", sent);
    }
    text
}

fn head(view: &PreviewView) -> String {
    let guest = match view.guest {
        "ordinary" => "an ordinary guest",
        "long_name" => "a guest with a long name",
        "incomplete" => "a guest of whom only the link is known",
        "right_to_left" => "a guest whose name is written from right to left",
        _ => "the guest of the booking",
    };
    let language = view.language.as_deref().unwrap_or("an unknown language");
    let mut head = format!("{} in {language}, to {guest}: ", view.kind);
    match (&view.template, &view.message) {
        (Some(template), _) => head.push_str(template),
        (None, Some(_)) => head.push_str("free text"),
        (None, None) => head.push('-'),
    }
    if view.is_fallback {
        head.push_str(", the fallback");
    }
    head.push_str(&format!(", {}", view.category));
    if let Some(status) = &view.status {
        head.push_str(&format!(", {status}"));
    }
    head
}

fn words(text: &mut String, message: &MessageView) {
    let shown = &message.shown;
    for line in shown.header.iter().flat_map(in_order) {
        row(text, "header", &line);
    }
    for (index, line) in in_order(&shown.body).iter().enumerate() {
        if message.cut_after == Some(index) {
            row(text, "", "--- read more ---");
        }
        row(text, if index == 0 { "body" } else { "" }, line);
    }
    if let Some(footer) = &message.footer {
        row(text, "footer", &one_line(footer));
    }
    for button in &message.buttons {
        let label = one_line(&button.label);
        let url = button.url.as_ref().map(|url| format!(" -> {}", visible(url)));
        row(text, "button", &format!("[{label}]{}", url.unwrap_or_default()));
    }
    let lengths = message
        .lengths
        .iter()
        .filter(|length| !matches!(length.part, "label" | "url"));
    let lengths: Vec<String> = lengths
        .map(|length| format!("{} {} of {}", length.part, length.count, length.max))
        .collect();
    row(
        text,
        "length",
        &format!("{}; {} lines", lengths.join(", "), message.lines),
    );
}

fn values(text: &mut String, view: &PreviewView) {
    if let Some(reason) = &view.why_no_text {
        row(text, "no text", reason);
    }
    for (place, value) in &view.parameters {
        row(text, place, &one_line(value));
    }
}

fn row(text: &mut String, label: &str, content: &str) {
    let row = format!("    {label:<9}{content}");
    text.push_str(row.trim_end());
    text.push('\n');
}

/// The lines of a text, so that a terminal shows its scripts in their order.
fn in_order(text: &FilledText) -> Vec<String> {
    let paragraphs = preview::paragraphs(text);
    let of_one = |lines: Vec<FilledText>| {
        let direction = direction(&lines);
        lines.into_iter().map(move |line| isolated(&line, direction))
    };
    paragraphs.into_iter().flat_map(of_one).collect()
}

fn one_line(text: &str) -> String {
    let line = FilledText::of(text);
    isolated(&line, direction(std::slice::from_ref(&line)))
}

/// The isolate for the lines of a paragraph; `None`: all its letters run from left to right.
fn direction(paragraph: &[FilledText]) -> Option<char> {
    let text: String = paragraph.iter().map(FilledText::plain).collect();
    if !text.chars().any(is_right_to_left) {
        return None;
    }
    let first = text.chars().find(|character| character.is_alphabetic());
    let is_rtl = first.is_some_and(is_right_to_left);
    Some(if is_rtl { RIGHT_TO_LEFT } else { LEFT_TO_RIGHT })
}

fn isolated(line: &FilledText, direction: Option<char>) -> String {
    let Some(direction) = direction else {
        return visible(&line.plain());
    };
    let mut isolated = String::from(direction);
    for piece in &line.0 {
        let text = visible(&piece.text);
        match piece.origin {
            Origin::Template => isolated.push_str(&text),
            Origin::Value => isolated.push_str(&format!("{BY_FIRST_LETTER}{text}{END_OF_ISOLATE}")),
        }
    }
    isolated.push(END_OF_ISOLATE);
    isolated
}

/// Without what a terminal would obey: control characters, and a guest's own marks of direction, which could end an isolate.
fn visible(text: &str) -> String {
    let is_mark = |character: char| matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let show = |character: char| {
        if character.is_control() || is_mark(character) {
            '\u{FFFD}'
        } else {
            character
        }
    };
    text.chars().map(show).collect()
}

/// A letter of Hebrew, Arabic, Syriac, Thaana, N'Ko or another script of that direction, by Unicode's blocks.
fn is_right_to_left(character: char) -> bool {
    matches!(
        character,
        '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}'
    )
}

#[cfg(test)]
mod tests {
    use domain::template_text::Piece;

    use super::*;

    fn line(pieces: &[(&str, Origin)]) -> FilledText {
        let piece = |(text, origin): &(&str, Origin)| Piece {
            text: (*text).to_owned(),
            origin: *origin,
        };
        FilledText(pieces.iter().map(piece).collect())
    }

    #[test]
    fn lines_and_values_are_isolated_where_a_paragraph_has_letters_of_both_directions() {
        let arabic = line(&[
            ("مرحبًا ", Origin::Template),
            ("Anna", Origin::Value),
            ("!", Origin::Template),
        ]);
        let latin = line(&[("Hello ", Origin::Template), ("Anna", Origin::Value)]);
        let mixed = line(&[("Hello ", Origin::Template), ("أحمد", Origin::Value)]);

        assert_eq!(in_order(&arabic), ["\u{2067}مرحبًا \u{2068}Anna\u{2069}!\u{2069}"]);
        assert_eq!(in_order(&latin), ["Hello Anna"]);
        assert_eq!(in_order(&mixed), ["\u{2066}Hello \u{2068}أحمد\u{2069}\u{2069}"]);
    }

    #[test]
    fn a_line_without_such_letters_keeps_the_direction_of_its_paragraph_and_others_have_their_own() {
        let text = line(&[
            ("تم تأكيد حجزكم في ", Origin::Template),
            ("the Azure Bay Resort of Kos", Origin::Value),
            (".\nBye", Origin::Template),
        ]);

        let lines = in_order(&text);

        assert_eq!(lines[1], "\u{2067}\u{2068}Resort of Kos\u{2069}.\u{2069}");
        assert_eq!(lines[2], "Bye");
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let name = line(&[("\u{1b}[31mEve\u{2069}\u{202e}", Origin::Value)]);

        assert_eq!(in_order(&name), ["\u{FFFD}[31mEve\u{FFFD}\u{FFFD}"]);
    }
}
