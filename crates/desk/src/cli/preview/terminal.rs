//! Previews on a terminal: the lines of a phone, and scripts that run in both directions.
//!
//! A terminal orders the letters of a whole line. In a line with right-to-left letters each value, and the line, are isolated
//! (U+2068 … U+2069), so that their order is the one on the phone. WhatsApp gets the values as they are, and --json has them so.

use domain::preview;
use domain::template_text::{FilledText, Origin};

use crate::actions::preview::{MessageView, PreviewView};

const ISOLATE: char = '\u{2068}';
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
    for line in shown.header.iter().flat_map(preview::lines) {
        row(text, "header", &in_order(&line));
    }
    for (index, line) in preview::lines(&shown.body).iter().enumerate() {
        if message.cut_after == Some(index) {
            row(text, "", "--- read more ---");
        }
        let label = if index == 0 { "body" } else { "" };
        row(text, label, &in_order(line));
    }
    if let Some(footer) = &message.footer {
        row(text, "footer", &in_order(&FilledText::of(footer)));
    }
    for button in &message.buttons {
        let label = in_order(&FilledText::of(&button.label));
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
        row(text, place, &in_order(&FilledText::of(value)));
    }
}

fn row(text: &mut String, label: &str, content: &str) {
    let row = format!("    {label:<9}{content}");
    text.push_str(row.trim_end());
    text.push('\n');
}

/// The line, so that a terminal shows its scripts in their order.
fn in_order(line: &FilledText) -> String {
    let plain = visible(&line.plain());
    if !plain.chars().any(is_right_to_left) {
        return plain;
    }
    let mut isolated = String::from(ISOLATE);
    for piece in &line.0 {
        let text = visible(&piece.text);
        match piece.origin {
            Origin::Template => isolated.push_str(&text),
            Origin::Value => {
                isolated.extend([ISOLATE].into_iter().chain(text.chars()).chain([END_OF_ISOLATE]))
            }
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
    fn values_are_isolated_where_a_line_has_letters_of_both_directions() {
        let arabic = line(&[
            ("مرحبًا ", Origin::Template),
            ("Anna", Origin::Value),
            ("!", Origin::Template),
        ]);
        let latin = line(&[("Hello ", Origin::Template), ("Anna", Origin::Value)]);
        let mixed = line(&[("Hello ", Origin::Template), ("أحمد", Origin::Value)]);

        assert_eq!(in_order(&arabic), "\u{2068}مرحبًا \u{2068}Anna\u{2069}!\u{2069}");
        assert_eq!(in_order(&latin), "Hello Anna");
        assert_eq!(in_order(&mixed), "\u{2068}Hello \u{2068}أحمد\u{2069}\u{2069}");
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let name = line(&[("\u{1b}[31mEve\u{2069}\u{202e}", Origin::Value)]);

        assert_eq!(in_order(&name), "\u{FFFD}[31mEve\u{FFFD}\u{FFFD}");
    }
}
