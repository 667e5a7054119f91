//! `/guests`: guests who wait for an answer, and the search for a guest by number.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form};
use askama::Template;
use domain::phone_number::PhoneNumber;
use serde::Deserialize;

use super::desk::Desk;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::guests::{self, FoundBooking, Meant};

#[derive(Template)]
#[template(path = "guests.html")]
struct GuestsPage {
    frame: Frame,
    search: Option<Search>,
}

/// What was found for a number, which is masked here.
enum Search {
    Invalid(&'static str),
    Found {
        number: String,
        bookings: Vec<FoundBooking>,
    },
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    phone: String,
}

/// Guests who wait, at most on a page.
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
    let search = match number(&desk, &visitor, &wanted.phone).await? {
        Ok(number) => Search::Found {
            bookings: guests::bookings_of(&desk.context(), &number, &visitor.access().scope).await?,
            number: number.masked(),
        },
        Err(why) => Search::Invalid(why),
    };
    answer(&desk, &visitor, Some(search)).await
}

/// Reads the number that a member looks for, or says why it is none. Each look is counted.
pub(super) async fn number(
    desk: &Desk,
    visitor: &Visitor,
    typed: &str,
) -> Result<Result<PhoneNumber, &'static str>, Problem> {
    if !desk.throttle.allows_search(&visitor.identity.name) {
        return Err(Problem::TooManySearches);
    }
    let meant = guests::meant(&desk.context(), typed, None, &visitor.access().scope).await?;
    Ok(match meant {
        Meant::Number(number, _) => Ok(number),
        Meant::Invalid(_) => Err("That is not a valid phone number. Begin with + and the country code."),
        Meant::Ambiguous(_) => {
            Err("Without its country code the number could be several. Begin with + and the country code.")
        }
    })
}

async fn answer(desk: &Desk, visitor: &Visitor, search: Option<Search>) -> Result<HttpResponse, Problem> {
    page::answer(&GuestsPage {
        frame: Frame::new(desk, visitor, Section::Guests, "Guests").await?,
        search,
    })
}
