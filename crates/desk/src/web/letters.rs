//! `/letters`: dead letters, filtered and searched; each alone, and many at once.
//!
//! The address is the filter. It goes along from a list to a letter and back, so that next and previous stay within it; only a
//! guest's number is in no address, not even hashed.

mod asked;
mod bulk;
mod decide;
mod jobs;
mod letter;
mod list;
mod menus;

use actix_web::HttpResponse;
use actix_web::web::Path;

use super::page;
use super::visitor::Visitor;

pub(super) use bulk::{confirm, make};
pub(super) use decide::{assign, check_phone, close, correct_phone, retry, settle};
pub(super) use jobs::{cancel, list as list_jobs, show as show_job};
pub(super) use letter::{reveal, show};
pub(super) use list::{find, list};

/// For who loads the answer to a form again by its address.
pub(super) async fn start_again(_: Visitor) -> HttpResponse {
    page::go("/letters")
}

/// As [`start_again`], where the form was a letter's.
pub(super) async fn to_letter(_: Visitor, id: Path<i64>) -> HttpResponse {
    page::go(&format!("/letters/{id}"))
}
