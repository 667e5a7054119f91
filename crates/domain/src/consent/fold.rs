//! One spelling for what people write in many ways: case, width, accents, punctuation, blanks, emoji, words of
//! courtesy.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// Words of courtesy around a stop or start, folded. They do not change its meaning.
const COURTESY: &[&str] = &[
    "please",
    "pls",
    "plz",
    "thanks",
    "thankyou",
    "bitte",
    "danke",
    "porfavor",
    "gracias",
    "obrigado",
    "obrigada",
    "svp",
    "silvousplait",
    "stp",
    "merci",
    "perfavore",
    "grazie",
    "alstublieft",
    "aub",
    "bedankt",
    "tack",
    "takk",
    "tak",
    "kiitos",
    "prosze",
    "dziekuje",
    "prosim",
    "dekuji",
    "lutfen",
    "tesekkurler",
    "пожалуиста",
    "спасибо",
    "будьласка",
    "дякую",
    "παρακαλω",
    "ευχαριστω",
    "شكرا",
    "لطفا",
    "בבקשה",
    "תודה",
    "tolong",
    "terimakasih",
];

/// Reduces a message to letters and digits: "Opt-Out!" and "ｏｐｔ ｏｕｔ" both become `optout`.
///
/// Blanks are dropped too, since "S T O P" and "un subscribe" mean the same without them. A word that is repeated
/// is taken once.
pub(super) fn fold(text: &str) -> String {
    let letters = spell(text);
    let mut words: Vec<&str> = letters.split_whitespace().collect();
    // Repeated single letters are not a repeated word: "s s s".
    if words.first().is_some_and(|word| word.chars().count() > 1) {
        words.dedup();
    }
    without_courtesy(&words.concat()).to_owned()
}

/// Letters and digits in their plainest form, with a blank for everything that separates words.
fn spell(text: &str) -> String {
    let compatible = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    let lower = compatible.to_lowercase();
    let parted = DecomposingNormalizerBorrowed::new_nfkd().normalize(&lower);
    let mut spelt = String::with_capacity(parted.len());
    for letter in parted.chars().filter(|letter| !is_dropped(*letter)) {
        match plain(letter) {
            Some(letters) => spelt.push_str(letters),
            None if letter.is_alphanumeric() => spelt.push(letter),
            None => spelt.push(' '),
        }
    }
    spelt
}

/// Marks that people leave out (accents, vowel points of Arabic and Hebrew), and signs inside a word that are not
/// letters (apostrophes, joiners, the Arabic stroke that only lengthens).
fn is_dropped(letter: char) -> bool {
    matches!(letter,
        '\u{300}'..='\u{36F}' | '\u{591}'..='\u{5C7}' | '\u{610}'..='\u{61A}' | '\u{64B}'..='\u{65F}' | '\u{670}'
        | '\u{640}' | '\'' | '\u{2018}' | '\u{2019}' | '\u{2BC}' | '\u{B7}' | '\u{AD}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// Letters that no normal form decomposes, and letters that neighbouring keyboards exchange.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ı' => "i",
        'ß' => "ss",
        'ø' => "o",
        'æ' => "ae",
        'œ' => "oe",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ə' => "e",
        'ς' => "σ",
        'ى' | 'ی' => "ي",
        'ة' | 'ہ' => "ه",
        'ک' => "ك",
        _ => return None,
    })
}

fn without_courtesy(mut joined: &str) -> &str {
    for courtesy in COURTESY {
        joined = joined.strip_prefix(courtesy).unwrap_or(joined);
        joined = joined.strip_suffix(courtesy).unwrap_or(joined);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_courtesy_are_listed_in_folded_form() {
        for courtesy in COURTESY {
            assert_eq!(spell(courtesy), *courtesy);
        }
    }

    #[test]
    fn one_word_has_one_spelling() {
        for (written, spelling) in [
            ("STOP!", "stop"),
            ("  stop.  ", "stop"),
            ("\u{feff}„Stop“\u{200f}", "stop"),
            ("S T O P", "stop"),
            ("S.T.O.P", "stop"),
            ("🛑 STOP 🛑", "stop"),
            ("ｓｔｏｐ", "stop"),
            ("𝐒𝐓𝐎𝐏", "stop"),
            ("stop stop STOP!!!", "stop"),
            ("Please stop", "stop"),
            ("Stop, bitte!", "stop"),
            ("Opt-Out", "optout"),
            ("Arrêter", "arreter"),
            ("S'il vous plaît, arrêtez", "arretez"),
            ("İPTAL", "iptal"),
            ("IPTAL", "iptal"),
            ("ıptal", "iptal"),
            ("ΣΤΟΠ", "στοπ"),
            ("ΔΙΑΓΡΑΦΉ", "διαγραφη"),
            ("ΣΤΌΠΟΣ", "στοποσ"),
            ("ｽﾄｯﾌﾟ", "ストッフ"),
            ("ストップ", "ストッフ"),
            ("إِيقَاف", "ايقاف"),
            ("ايقاف", "ايقاف"),
            ("لغو\u{200c}عضویت", "لغوعضويت"),
            ("Đăng ký", "dangky"),
            ("🙂", ""),
            ("", ""),
        ] {
            assert_eq!(fold(written), spelling, "{written}");
        }
    }
}
