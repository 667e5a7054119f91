//! `/guests`: guests who wait for an answer, and the search for a guest by number.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form};
use askama::Template;
use serde::Deserialize;
use store::guests::Waiting;

use super::desk::Desk;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::conversations;
use crate::actions::guests::{self, FoundBooking, Meant};

#[derive(Template)]
#[template(path = "guests.html")]
struct GuestsPage {
    frame: Frame,
    waiting: Vec<Waiting>,
    search: Option<Search>,
}

/// What was found for a number, which is masked here.
enum Search {
    Invalid(String),
    Found {
        number: String,
        bookings: Vec<FoundBooking>,
    },
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    phone: String,
}

/// Guests that are counted at most, and of them those that are listed.
const MOST: i64 = 1_000;
const LISTED: usize = 100;

pub(super) async fn show(desk: Data<Desk>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    answer(&desk, &visitor, None).await
}

/// The number comes in the body, so that it is in no address, log or history.
pub(super) async fn find(
    desk: Data<Desk>,
    visitor: Visitor,
    wanted: Form<Wanted>,
) -> Result<HttpResponse, Problem> {
    if !desk.throttle.allows_search(&visitor.identity.name) {
        return Err(Problem::TooManySearches);
    }
    let context = desk.context();
    let search = match guests::meant(&context, &wanted.phone, None, &visitor.access().scope).await? {
        Meant::Number(number, _) => Search::Found {
            bookings: guests::bookings_of(&context, &number, &visitor.access().scope).await?,
            number: number.masked(),
        },
        Meant::Invalid(_) => {
            Search::Invalid("That is not a valid phone number. Begin with + and the country code.".to_owned())
        }
        Meant::Ambiguous(_) => Search::Invalid(
            "Without its country code the number could be several. Begin with + and the country code."
                .to_owned(),
        ),
    };
    answer(&desk, &visitor, Some(search)).await
}

async fn answer(desk: &Desk, visitor: &Visitor, search: Option<Search>) -> Result<HttpResponse, Problem> {
    page::answer(&GuestsPage {
        frame: Frame::new(desk, visitor, Section::Guests, "Guests").await?,
        waiting: waiting(desk, visitor).await?,
        search,
    })
}

/// The guests who wait at the member's resorts, the longest first.
pub(super) async fn waiting(desk: &Desk, visitor: &Visitor) -> Result<Vec<Waiting>, Problem> {
    Ok(conversations::waiting(&desk.store, visitor.access().scope.clone(), MOST).await?)
}
