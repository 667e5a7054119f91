//! libpq's other form, `host=db password='it\'s secret'`.

use super::{InvalidDatabaseUrl, check_place};

/// Checks that libpq can read every keyword, and that places are what they say.
pub(super) fn check(text: &str) -> Result<(), InvalidDatabaseUrl> {
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Err(InvalidDatabaseUrl::Form);
    }
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or(InvalidDatabaseUrl::Form)?;
        let key = key.trim_end();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        if key.is_empty() || !key.bytes().all(allowed) {
            return Err(InvalidDatabaseUrl::Form);
        }
        let (value, after) = value(after.trim_start())?;
        check_place(key, &value)?;
        rest = after.trim_start();
    }
    Ok(())
}

/// The value at the beginning, in single quotes or up to the next blank, with `\` before what stands for itself; and what
/// follows it.
fn value(text: &str) -> Result<(String, &str), InvalidDatabaseUrl> {
    let (inner, quoted) = match text.strip_prefix('\'') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let mut value = String::new();
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, inner.get(at + 1..).unwrap_or_default())),
            blank if !quoted && blank.is_ascii_whitespace() => {
                return Ok((value, inner.get(at..).unwrap_or_default()));
            }
            other => value.push(other),
        }
    }
    match quoted {
        true => Err(InvalidDatabaseUrl::Form),
        false => Ok((value, "")),
    }
}
