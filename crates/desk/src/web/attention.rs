//! `/`: what needs a person now.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use super::desk::Desk;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "attention.html")]
struct AttentionPage {
    frame: Frame,
}

pub(super) async fn show(desk: Data<Desk>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    page::answer(&AttentionPage {
        frame: Frame::new(&desk, &visitor, Section::Attention, "What needs attention").await?,
    })
}
