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
    // A form without a character before it shows nothing.
    let begins = |c: char| c.is_whitespace() || is_variation_selector(c);
    let trimmed = cleaned.trim_end().trim_start_matches(begins);
    if trimmed.len() == cleaned.len() {
        cleaned
    } else {
        trimmed.to_owned()
    }
}

/// Whether a character shows nothing, but perhaps changes how others are shown or compared: what Unicode calls
/// default-ignorable, but for variation selectors, and the empty cell of Braille.
pub(super) fn is_invisible(character: char) -> bool {
    if character.is_ascii() {
        return false;
    }
    matches!(
        character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E00FF}' | '\u{E01F0}'..='\u{E0FFF}'
    )
}

/// Chooses one form of the character before it: emoji in colour, variants of ideographs in names.
fn is_variation_selector(character: char) -> bool {
    matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
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

    // shows: T12
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
        check("\u{3164}\u{115F}\u{1160}\u{FFA0}\u{2800}\u{34F}\u{2065}", "");
        check("\u{3164}Ada\u{2800}", "Ada");
        check(" \u{FE0F}\u{E0100}", "");
        check("❤\u{FE0F} 葛\u{E0100}城", "❤\u{FE0F} 葛\u{E0100}城");
        check("\u{200B}", "");
    }
}
