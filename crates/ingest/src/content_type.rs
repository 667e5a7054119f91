//! Whether a body says that it is JSON, and in which charset.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use foreign_json::Charset;

use crate::problem::Problem;

/// The charset of a body that is JSON: `application/json`, `text/json` or `…+json`, with or without parameters.
///
/// A charset that is named and unknown is refused; another one than UTF-8 is decoded.
pub(crate) fn charset_of_json(headers: &HeaderMap) -> Result<Charset, Problem> {
    let value = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let mut parts = value.unwrap_or_default().split(|byte| *byte == b';');
    let media_type = parts.next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
    if !is_json(&media_type) {
        return Err(Problem::UnsupportedMediaType);
    }
    match parts.find_map(charset) {
        Some(name) if !name.is_empty() => Charset::named(name).map_err(|_| Problem::UnsupportedMediaType),
        _ => Ok(Charset::UTF_8),
    }
}

fn is_json(media_type: &[u8]) -> bool {
    let slash = media_type.iter().position(|byte| *byte == b'/');
    let has_suffix = slash.is_some_and(|at| at > 0) && media_type.ends_with(b"+json");
    matches!(media_type, b"application/json" | b"text/json") || has_suffix
}

/// The value of a parameter `charset=…`, quoted or not.
fn charset(parameter: &[u8]) -> Option<&[u8]> {
    let equals = parameter.iter().position(|byte| *byte == b'=')?;
    let (name, value) = parameter.split_at_checked(equals)?;
    if !name.trim_ascii().eq_ignore_ascii_case(b"charset") {
        return None;
    }
    let value = value.get(1..)?.trim_ascii();
    let quoted = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    Some(quoted.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn json_is_recognised_by_its_content_type() {
        let check = |value: &str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            assert_eq!(charset_of_json(&headers).is_ok(), expected, "{value}");
        };

        check("application/json", true);
        check("Application/JSON; charset=utf-8", true);
        check("application/cloudevents+json", true);
        check("text/json;CHARSET = \"UTF-8\" ;q=1", true);
        check("application/json; charset=latin1", true);
        check("application/json; charset=", true);
        check("application/json;", true);
        check("application/json; é", true);
        check("application/json; charset=klingon", false);
        check("text/plain", false);
        check("application/x-www-form-urlencoded", false);
        check("application/jsonp", false);
        check("/x+json", false);
        check("+json", false);
        check("json", false);
        check("", false);
        assert!(charset_of_json(&HeaderMap::new()).is_err());
    }
}
