//! From a JSON body to a domain event, or everything that is wrong with it.
//!
//! Nothing here is looked up: what the source may do comes in as [`Rules`].

mod fields;
mod link;
mod rules;
mod text;

use domain::country::Country;
use domain::event::{Details, Event, EventKey, EventType, Family, GuestDetails};
use domain::ids::{BookingId, EventId, ResortId};
use domain::stay::{Money, Personal};
use serde_json::Value;

use crate::draft::Draft;

use fields::{Errors, Field, Fields, Need};
pub use fields::{FieldError, FieldProblem};
pub use rules::{Checked, Locale, OptionalFields, Rules, Seen, Standing, UnknownTypes};

/// Checks a body and makes the event of it. All errors are found at once.
pub fn check(body: &Value, rules: &Rules<'_, '_>) -> (Seen, Checked) {
    let Value::Object(body) = body else {
        return (Seen::default(), Checked::NotAnObject);
    };
    check_fields(Fields::Object(body), rules)
}

/// As [`check`], for an event that a mapping has made.
pub(crate) fn check_draft(draft: &Draft, rules: &Rules<'_, '_>) -> (Seen, Checked) {
    check_fields(Fields::Draft(draft), rules)
}

fn check_fields(body: Fields<'_>, rules: &Rules<'_, '_>) -> (Seen, Checked) {
    let mut errors = Errors::default();
    let event_type = match read_type(body, &mut errors) {
        Type::Unknown if rules.unknown_types == UnknownTypes::Ignore => {
            return (Seen::default(), Checked::Ignored);
        }
        Type::Unknown => {
            errors.push("type", FieldProblem::NotAllowed);
            None
        }
        Type::Unreadable => None,
        Type::Known(event_type) => Some(event_type),
    };
    let reading = Reading {
        body,
        rules,
        errors,
        event_type,
    };
    reading.finish()
}

/// Whether an event of this type is refused without the field, which is named by its path.
pub fn is_required(event_type: EventType, field: &str) -> bool {
    match (field, event_type.family()) {
        ("booking.id", family) => family != Family::Guest,
        ("guest.phone", family) => family != Family::Order,
        _ => matches!(field, "id" | "type" | "occurred_at" | "resort"),
    }
}

enum Type {
    Known(EventType),
    Unknown,
    Unreadable,
}

fn read_type(body: Fields<'_>, errors: &mut Errors) -> Type {
    match errors.string(body.field("type"), Need::Required) {
        Some(text) => text.parse().map_or(Type::Unknown, Type::Known),
        None => Type::Unreadable,
    }
}

struct Reading<'r, 'a> {
    body: Fields<'r>,
    rules: &'r Rules<'r, 'a>,
    errors: Errors,
    event_type: Option<EventType>,
}

impl<'a> Reading<'_, 'a> {
    fn finish(mut self) -> (Seen, Checked) {
        let id = self.id();
        let occurred_at = self.errors.instant(self.body.field("occurred_at"));
        let (resort, standing) = self.resort();
        let notify = self.errors.flag(self.body.field("notify"));
        let (booking, details) = self.booking(standing);
        let guest = self.guest();

        let (errors, dropped) = self.sort_errors();
        let seen = Seen {
            event_type: self.event_type,
            id: id.clone(),
            // A name that the source made up could be anybody's.
            resort: resort
                .clone()
                .filter(|_| !matches!(standing, Standing::NotAllowed)),
            booking: booking.clone(),
            dropped,
        };
        if !errors.is_empty() {
            return (seen, Checked::Invalid(errors));
        }
        let (Some(id), Some(event_type), Some(occurred_at), Some(resort)) =
            (id, self.event_type, occurred_at, resort)
        else {
            // Each of them leaves an error behind where it is not there.
            return (seen, Checked::Invalid(Vec::new()));
        };
        if matches!(standing, Standing::Unavailable) {
            return (seen, Checked::ResortUnavailable);
        }
        let event = Event {
            key: EventKey {
                source: self.rules.source.clone(),
                id,
            },
            event_type,
            occurred_at,
            resort,
            notify: notify.unwrap_or(true),
            imported: false,
            booking,
            details,
            guest,
        };
        (seen, Checked::Event(Box::new(event)))
    }

    /// The errors that refuse the body, and those that only cost their field.
    fn sort_errors(&mut self) -> (Vec<FieldError>, Vec<FieldError>) {
        let errors = std::mem::take(&mut self.errors.0);
        match self.rules.optional_fields {
            OptionalFields::Refuse => (errors, Vec::new()),
            OptionalFields::Drop => errors.into_iter().partition(|error| match self.event_type {
                Some(event_type) => is_required(event_type, error.field),
                None => true,
            }),
        }
    }

    fn need(&self, field: &str) -> Need {
        match self.event_type {
            Some(event_type) if is_required(event_type, field) => Need::Required,
            _ => Need::Optional,
        }
    }

    /// The body's id wins; the signed one serves where there is none.
    fn id(&mut self) -> Option<EventId> {
        let field = self.body.field("id");
        match self.rules.signed_id {
            Some(signed) if field.is_absent() => {
                let signed = Value::String(signed.to_owned());
                let field = Field::with(&signed, "id");
                self.errors.id(field, Need::Required, EventId::parse)
            }
            _ => self.errors.foreign_id(field, Need::Required, EventId::parse),
        }
    }

    fn resort(&mut self) -> (Option<ResortId>, Standing<'a>) {
        let resort = self
            .errors
            .id(self.body.field("resort"), Need::Required, ResortId::parse);
        let standing = resort.as_ref().map(self.rules.standing);
        if matches!(standing, Some(Standing::NotAllowed)) {
            self.errors.push("resort", FieldProblem::NotAllowed);
        }
        (resort, standing.unwrap_or(Standing::Unavailable))
    }

    fn booking(&mut self, standing: Standing<'_>) -> (Option<BookingId>, Details) {
        let need = self.need("booking.id");
        let Some(booking) = self.errors.object(self.body, "booking") else {
            if need == Need::Required && self.body.field("booking").is_absent() {
                self.errors.push("booking.id", FieldProblem::Missing);
            }
            return (None, Details::default());
        };
        let hosts = match standing {
            Standing::Allowed { link_hosts, .. } => link_hosts,
            Standing::NotAllowed | Standing::Unavailable => None,
        };
        let errors = &mut self.errors;
        let of = |path| booking.field(path);
        let id = errors.foreign_id(of("booking.id"), need, BookingId::parse);
        let details = Details {
            cart: errors.foreign_id(of("booking.cart_id"), Need::Optional, BookingId::parse),
            resume_url: errors.link(of("booking.resume_url"), hosts),
            check_in: errors.day(of("booking.check_in")),
            check_out: errors.day(of("booking.check_out")),
            guests: errors.count(of("booking.guests")),
            room: errors.text(of("booking.room"), Need::Optional),
            total: read_total(errors, booking),
        };
        (id, details)
    }

    fn guest(&mut self) -> GuestDetails {
        let phone_need = self.need("guest.phone");
        let Some(guest) = self.errors.object(self.body, "guest") else {
            if phone_need == Need::Required && self.body.field("guest").is_absent() {
                self.errors.push("guest.phone", FieldProblem::Missing);
            }
            return GuestDetails::default();
        };
        let errors = &mut self.errors;
        let of = |path| guest.field(path);
        GuestDetails {
            name: errors.text(of("guest.name"), Need::Optional).map(Personal::new),
            phone: errors.text(of("guest.phone"), phone_need).map(Personal::new),
            country: of("guest.country").value().and_then(country),
            language: errors.text(of("guest.language"), Need::Optional),
            consent: errors.flag(of("guest.consent")),
        }
    }
}

/// The guest's country. A value that names no country is ignored, even one of the wrong type: platforms used this field
/// for their own data before we defined it.
fn country(value: &Value) -> Option<Country> {
    Country::parse(value.as_str()?).ok()
}

fn read_total(errors: &mut Errors, booking: Fields<'_>) -> Option<Money> {
    let total = errors.object(booking, "booking.total")?;
    let amount = errors.text(total.field("booking.total.amount"), Need::Required);
    let currency = errors.text(total.field("booking.total.currency"), Need::Required);
    let (amount, currency) = (amount?, currency?);
    let money = Money::parse(&amount, &currency);
    if money.is_none() {
        let amount_is_good = Money::parse(&amount, "EUR").is_some();
        let field = if amount_is_good {
            "booking.total.currency"
        } else {
            "booking.total.amount"
        };
        errors.push(field, FieldProblem::NotAllowed);
    }
    money
}

#[cfg(test)]
mod tests;
