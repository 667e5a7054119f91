//! The style sheet, the script and the icon: the only files that pages load.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;

const STYLE: &str = include_str!("../../assets/desk.css");
const SCRIPT: &str = include_str!("../../assets/desk.js");
const ICON: &str = include_str!("../../assets/icon.svg");
/// The address changes with the content.
const FOREVER: &str = "public, max-age=31536000, immutable";

static STYLE_PATH: LazyLock<String> = LazyLock::new(|| format!("/desk.css?{}", digest(STYLE)));
static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| format!("/desk.js?{}", digest(SCRIPT)));

fn digest(content: &str) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// For the templates.
pub(super) fn style_path() -> &'static str {
    &STYLE_PATH
}

/// For the templates.
pub(super) fn script_path() -> &'static str {
    &SCRIPT_PATH
}

pub(super) async fn style() -> HttpResponse {
    file("text/css; charset=utf-8", STYLE)
}

pub(super) async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", SCRIPT)
}

pub(super) async fn icon() -> HttpResponse {
    file("image/svg+xml", ICON)
}

fn file(mime: &str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(mime)
        .insert_header((CACHE_CONTROL, FOREVER))
        .body(content)
}

/// No search engine has any business here.
pub(super) async fn robots() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("User-agent: *\nDisallow: /\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_and_the_script_stay_small() {
        assert!(STYLE.len() < 14 << 10, "{}", STYLE.len());
        assert!(SCRIPT.lines().count() <= 100, "{}", SCRIPT.lines().count());
    }
}
