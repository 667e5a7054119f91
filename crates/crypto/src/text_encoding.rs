//! Base64 and hexadecimal text.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

// Senders differ in padding and in two characters; all forms mean the same bytes.
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const LENIENT: GeneralPurpose = GeneralPurpose::new(&STANDARD, ANY_PADDING);
const LENIENT_FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, ANY_PADDING);

/// Reads standard base64, padded or not.
pub(crate) fn from_base64(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}

/// Like [`from_base64`], but also reads the alphabet for URLs. Use it for what programs send; what people write is
/// limited to one alphabet, so that a word is not taken for a key.
pub(crate) fn from_any_base64(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let text = text.as_ref();
    from_base64(text).or_else(|| LENIENT_FOR_URLS.decode(text).ok())
}

/// Writes standard base64, padded.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    LENIENT.encode(bytes)
}

/// Writes base64 in the alphabet that URLs and shells leave alone, unpadded.
pub(crate) fn to_base64_for_urls(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads pairs of hexadecimal digits, upper or lower case.
pub(crate) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

/// Writes lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn digit(character: u8) -> Option<u8> {
    char::from(character)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_in_either_alphabet_and_with_any_padding() {
        for text in ["+/8=", "+/8", "-_8=", "-_8"] {
            assert_eq!(from_any_base64(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        for wrong in ["+_8=", "-/8=", "+/8=\n", "+/9", "é"] {
            assert_eq!(from_any_base64(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hexadecimal_text_is_read_in_either_case_and_refused_when_it_is_not_whole() {
        assert_eq!(from_hex(b"00fFa1"), Some(vec![0, 255, 0xa1]));
        assert_eq!(to_hex(&[0, 255, 0xa1]), "00ffa1");
        for wrong in ["0", "0g", "é"] {
            assert_eq!(from_hex(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
