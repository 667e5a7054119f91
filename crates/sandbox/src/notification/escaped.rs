//! JSON as Meta writes it: `/`, `@` and all characters outside ASCII are escaped.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Plain ASCII.
pub(crate) fn json(value: &Value) -> String {
    let mut bytes = Vec::with_capacity(1024);
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, AsMeta));
    written
        .ok()
        .and_then(|()| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| "null".to_owned())
}

struct AsMeta;

impl Formatter for AsMeta {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            match c {
                '/' => writer.write_all(b"\\/")?,
                '@' => writer.write_all(b"\\u0040")?,
                c if c.is_ascii() => writer.write_all(&[u8::try_from(c).unwrap_or(b'?')])?,
                c => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(writer, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_body_holds_the_escapes_that_ordinary_writers_do_not_write() {
        let escaped = super::json(&json!({ "body": "J’ai mangé 😀 a@b.example https://x.example/1\n" }));

        let expected =
            r#"{"body":"J\u2019ai mang\u00e9 \ud83d\ude00 a\u0040b.example https:\/\/x.example\/1\n"}"#;
        assert_eq!(escaped, expected);
    }
}
