//! Texts as they may be shown to a guest and written to a log.

/// Longest text, in characters.
pub(super) const LONGEST_TEXT: usize = 256;

/// Removes control characters and invisible marks, turns line breaks and tabs into one blank, and trims.
///
/// Direction marks could show a guest another text than the one that staff read; zero-width ones hide differences.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut after_break = false;
    for character in text.chars() {
        if is_break(character) {
            if !after_break && !cleaned.is_empty() {
                cleaned.push(' ');
            }
            after_break = true;
        } else if !character.is_control() && !is_invisible(character) {
            cleaned.push(character);
            after_break = false;
        }
    }
    let trimmed = cleaned.trim();
    if trimmed.len() == cleaned.len() {
        cleaned
    } else {
        trimmed.to_owned()
    }
}

/// Whether a character shows nothing but changes how others are shown or compared.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
    )
}

fn is_break(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\u{B}' | '\u{C}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_cannot_see_is_removed() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text), expected, "{text:?}");

        check("Ada Lovelace", "Ada Lovelace");
        check("Ada\u{0}\u{1b}[31m", "Ada[31m");
        check("Ada\r\n\tLovelace", "Ada Lovelace");
        check("\u{202E}adA\u{202C}", "adA");
        check("\u{2066}A\u{2069}\u{200F}\u{61C}\u{200B}\u{FEFF}b", "Ab");
        check("A\u{AD}d\u{2062}a\u{180E}\u{206E}\u{FFF9}\u{E0041}", "Ada");
        check(" \n x \n ", "x");
        check("Ωραία Ανδρομάχη 🏖", "Ωραία Ανδρομάχη 🏖");
        check("\u{200B}", "");
    }
}
