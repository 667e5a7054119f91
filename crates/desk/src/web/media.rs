//! A guest's file from the conversation on a booking's page, as the answer to a form.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY};
use actix_web::web::{Data, Form, Path};
use domain::audit::Action;
use serde::Deserialize;

use super::bookings as page_of_booking;
use super::conversation;
use super::desk::Desk;
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::bookings::{self, NoMedia};

/// Strangers made the file: it may load nothing, run nothing and is of no origin.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// What we name a file's type: never the guest's own words. With the end of its name.
const TYPES: [(&str, &str); 14] = [
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/webp", "webp"),
    ("image/gif", "gif"),
    ("audio/aac", "aac"),
    ("audio/amr", "amr"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("video/mp4", "mp4"),
    ("video/3gpp", "3gp"),
    ("application/pdf", "pdf"),
    ("text/plain", "txt"),
    UNKNOWN,
];
const UNKNOWN: (&str, &str) = ("application/octet-stream", "bin");

#[derive(Deserialize)]
pub(super) struct Asked {
    id: String,
}

pub(super) async fn show(
    desk: Data<Desk>,
    visitor: Visitor,
    path: Path<(String, String)>,
    asked: Form<Asked>,
) -> Result<HttpResponse, Problem> {
    let key = page_of_booking::key(&visitor, &path)?;
    visitor.allow(Action::MediaFetched, Some(&key.resort))?;
    let (id, by) = (asked.into_inner().id, visitor.actor(None));
    match bookings::media(&desk.context(), &desk.media, key.clone(), id, by).await? {
        Ok(file) => {
            let (mime_type, ending) = known_type(file.mime_type.as_deref());
            Ok(HttpResponse::Ok()
                .content_type(mime_type)
                .insert_header((CONTENT_DISPOSITION, disposition(mime_type, ending)))
                .insert_header((CONTENT_SECURITY_POLICY, POLICY))
                .body(file.bytes))
        }
        Err(NoMedia::Unknown) => Err(Problem::NotFound),
        Err(why) => conversation::refuse(&desk, &visitor, key, &service::chain(&why)).await,
    }
}

fn known_type(said: Option<&str>) -> (&'static str, &'static str) {
    let said = said.unwrap_or_default().split(';').next().unwrap_or_default();
    let known = TYPES
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(said.trim()));
    known.unwrap_or(UNKNOWN)
}

/// Pictures are shown in the browser. Sound and films are not: browsers ask for them again, with GET, and no address of a guest's
/// file is to be had so.
fn disposition(mime_type: &str, ending: &str) -> String {
    if mime_type.starts_with("image/") {
        "inline".to_owned()
    } else {
        format!("attachment; filename=\"guest.{ending}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_one_of_our_types_and_only_pictures_are_shown_at_once() {
        let cases = [
            ("image/jpeg", "image/jpeg", "inline"),
            (
                "Audio/OGG; codecs=opus",
                "audio/ogg",
                "attachment; filename=\"guest.ogg\"",
            ),
            (
                "application/pdf",
                "application/pdf",
                "attachment; filename=\"guest.pdf\"",
            ),
            (
                "image/svg+xml",
                "application/octet-stream",
                "attachment; filename=\"guest.bin\"",
            ),
            (
                "text/html",
                "application/octet-stream",
                "attachment; filename=\"guest.bin\"",
            ),
            (
                "",
                "application/octet-stream",
                "attachment; filename=\"guest.bin\"",
            ),
        ];
        for (said, mime_type, expected) in cases {
            let (known, ending) = known_type(Some(said));
            assert_eq!(
                (known, &*disposition(known, ending)),
                (mime_type, expected),
                "{said}"
            );
        }
    }
}
