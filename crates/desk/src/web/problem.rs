//! Why a page is not shown. The only place that makes error pages; no cause leaves the process.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use domain::staff::Forbidden;
use store::{Fault, StoreError};

use super::page;
use crate::actions::letters::RetryError;
use crate::actions::names::NameError;
use crate::actions::words;

#[derive(Debug)]
pub(super) enum Problem {
    /// Also what exists and is not the member's to see.
    NotFound,
    /// The address or the form says something that cannot be: what, in words of ours.
    Invalid(String),
    /// Nobody is signed in, or the session is over.
    SignedOut,
    /// The gateway names someone who is no member of the staff.
    NoMember,
    Forbidden(Forbidden),
    /// The request was made by a page that is not ours.
    ForeignPage,
    TooManySignIns,
    /// Who tries one number after the other finds out whose a masked one is.
    TooManySearches,
    /// Postgres or RabbitMQ is away.
    Unavailable,
    Internal,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'p> {
    title: &'p str,
    what: &'p str,
    remedy: &'p str,
}

impl Problem {
    pub(super) fn into_response(self) -> HttpResponse {
        self.error_response()
    }

    /// Status, title, what happened, and what to do.
    fn explain(&self) -> (StatusCode, &'static str, String, &'static str) {
        let (status, title, what) = self.what();
        (status, title, what.into_owned(), self.remedy())
    }

    fn what(&self) -> (StatusCode, &'static str, Cow<'_, str>) {
        let (status, title, what) = match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "There is no such page, or you may not see it.",
            ),
            Self::Invalid(what) => (StatusCode::BAD_REQUEST, "This cannot be done", what.as_str()),
            Self::SignedOut => (
                StatusCode::SEE_OTHER,
                "You are signed out",
                "You are not signed in, or your session is over.",
            ),
            Self::NoMember => (
                StatusCode::FORBIDDEN,
                "You are not a member of the staff",
                "Your company's gateway knows you, this desk does not.",
            ),
            Self::Forbidden(why) => {
                let what = sentence(&why.to_string());
                return (StatusCode::FORBIDDEN, "You may not do this", what.into());
            }
            Self::ForeignPage => (
                StatusCode::FORBIDDEN,
                "This did not come from the desk's own page",
                "Another page, or a program, asked the desk to change something. Nothing was changed.",
            ),
            Self::TooManySignIns => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
                "Someone at your address has tried to sign in too often.",
            ),
            Self::TooManySearches => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many searches",
                "You have looked for very many numbers in a minute.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The desk cannot reach its database",
                "Postgres or RabbitMQ does not answer. Nothing was lost; Bellhop goes on when they do.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong here",
                "This is our fault; the desk's log says what happened.",
            ),
        };
        (status, title, what.into())
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::NotFound => "Check the address, or look for it from the start page.",
            Self::Invalid(_) => "Go back and correct it; nothing was changed.",
            Self::SignedOut => "Sign in again.",
            Self::NoMember => "Ask an admin to add you under that name: desk staff add NAME.",
            Self::Forbidden(_) => "Nothing was changed.",
            Self::ForeignPage => {
                "Do it from the desk itself. If you did: DESK_PUBLIC_URL must be the address in your browser."
            }
            Self::TooManySignIns | Self::TooManySearches => "Wait a minute, then try again.",
            Self::Unavailable => "Try again in a moment. If it stays so, tell those who run Bellhop.",
            Self::Internal => "Try again; if it happens again, tell those who run Bellhop.",
        }
    }
}

/// A clause of an error as a sentence.
pub(super) fn sentence(clause: &str) -> String {
    format!("{}.", words::capitalised(clause))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, title, ..) = self.explain();
        f.write_str(title)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.explain().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, title, what, remedy) = self.explain();
        let mut response = HttpResponse::build(status);
        match self {
            Self::SignedOut => return response.insert_header((LOCATION, "/login")).finish(),
            Self::TooManySignIns | Self::TooManySearches => drop(response.insert_header((RETRY_AFTER, "60"))),
            _ => {}
        }
        page::fill(
            &mut response,
            &ProblemPage {
                title,
                what: &what,
                remedy,
            },
        )
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let StoreError::Forbidden(why) = error {
            return Self::Forbidden(why);
        }
        let (fault, error) = (error.fault(), service::chain(&error));
        log::error!(event = "page_failed", error; "a page could not be made");
        match fault {
            Fault::Outage | Fault::Contention | Fault::Locked | Fault::Unclear => Self::Unavailable,
            Fault::Ours | Fault::Data => Self::Internal,
        }
    }
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::Store(error) => error.into(),
            RetryError::Publish(_) => {
                log::error!(event = "page_failed", error = service::chain(&error); "a letter could not be retried");
                Self::Unavailable
            }
        }
    }
}

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Unknown(unknown) => Self::Invalid(sentence(&unknown.to_string())),
            NameError::Store(error) => error.into(),
        }
    }
}
