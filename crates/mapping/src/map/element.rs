//! What one event in a request is: the steps of a mapping, in their order.

use chrono::SecondsFormat;
use domain::country::Country;
use domain::event::EventType;
use domain::ids::{BookingId, ResortId};
use minijinja::value::Value;
use serde_json::Value as Json;

use super::{Element, Ignored, Mapping, Reading, Verdict};
use crate::casts::{self, Cast};
use crate::check::{
    self, Checked, FieldProblem, Locale, OptionalFields, Rules, Seen, Standing, UnknownTypes,
};
use crate::definition::ResortOf;
use crate::draft::Draft;
use crate::expression::Expression;
use crate::fault::{Cause, Fault};
use crate::field::Field;
use crate::request::Request;
use crate::when::{MISSING, Target};

/// The fields that an expression fills alone.
const PLAIN_FIELDS: &[Field] = &[
    Field::Notify,
    Field::BookingId,
    Field::CartId,
    Field::ResumeUrl,
    Field::CheckIn,
    Field::CheckOut,
    Field::Guests,
    Field::Room,
    Field::GuestName,
    Field::GuestPhone,
    Field::GuestLanguage,
    Field::GuestConsent,
];

/// Maps the event at `index`, which expressions see as `scope`.
pub(super) fn map<'a>(
    mapping: &Mapping,
    index: usize,
    scope: &Value,
    request: &Request<'_>,
    standing: &dyn Fn(&ResortId) -> Standing<'a>,
) -> Element {
    let mut work = Work {
        mapping,
        index,
        scope,
        request,
        words: Vec::new(),
        row: None,
        readings: Vec::new(),
        seen: Seen::default(),
    };
    let verdict = work.run(standing).unwrap_or_else(|verdict| verdict);
    Element {
        index,
        verdict,
        words: work.words,
        row: work.row,
        readings: work.readings,
        seen: work.seen,
    }
}

/// One event of a request, while it is mapped.
struct Work<'w> {
    mapping: &'w Mapping,
    index: usize,
    scope: &'w Value,
    request: &'w Request<'w>,
    words: Vec<String>,
    row: Option<usize>,
    readings: Vec<Reading>,
    seen: Seen,
}

impl Work<'_> {
    /// The steps. An `Err` is a verdict that was found before the last of them.
    fn run<'a>(&mut self, standing: &dyn Fn(&ResortId) -> Standing<'a>) -> Result<Verdict, Verdict> {
        let target = self.target()?;
        let event_type = match target {
            Target::Event(event_type) => Some(event_type),
            Target::Fetch => None,
            Target::Ignored => return Err(Verdict::Ignored(Ignored::UnmappedType)),
            Target::Ping => return Err(Verdict::Ignored(Ignored::Ping)),
        };
        let resort = self.resort()?;
        let locale = match standing(&resort) {
            Standing::Allowed { locale, .. } => locale,
            Standing::NotAllowed => return Err(unmappable("resort", FieldProblem::NotAllowed)),
            Standing::Unavailable => return Err(Verdict::ResortUnavailable),
        };
        self.seen.resort = Some(resort.clone());
        let Some(event_type) = event_type else {
            return self.fetch(resort, locale);
        };
        let draft = self.draft(event_type, &resort, locale)?;
        Ok(self.check(&draft, standing))
    }

    /// What the first row that matches says.
    fn target(&mut self) -> Result<Target, Verdict> {
        let definition = &self.mapping.definition;
        for expression in &definition.event {
            let word = self
                .evaluate(expression)
                .and_then(|found| casts::word(&found).map_err(Cause::from))
                .map_err(|cause| Verdict::Unmappable(vec![Fault::new("event", cause)]))?;
            self.words.push(word.unwrap_or_else(|| MISSING.to_owned()));
        }
        let fetch_counts = self.mapping.can_fetch && self.request.fetched.is_none();
        let mut rows = definition.when.iter().enumerate();
        let found =
            rows.find(|(_, row)| (fetch_counts || row.target != Target::Fetch) && row.matches(&self.words));
        let (index, row) = found.ok_or(Verdict::Ignored(Ignored::UnmappedType))?;
        self.row = Some(index);
        Ok(row.target)
    }

    fn resort(&mut self) -> Result<ResortId, Verdict> {
        let (field, expression) = match &self.mapping.resort {
            ResortOf::One(resort) => return Ok(resort.clone()),
            ResortOf::Expression(expression) => (Field::Resort, expression),
            ResortOf::Property { expression, .. } => (Field::Property, expression),
        };
        let cast = |found: &Value| Ok(casts::id(found)?.map(Json::String));
        let name = match self.read_with(field, expression, cast) {
            Ok(Some(Json::String(name))) => name,
            Ok(_) => return Err(unmappable(field.path(), FieldProblem::Missing)),
            Err(cause) => return Err(Verdict::Unmappable(vec![Fault::new(field.path(), cause)])),
        };
        match &self.mapping.resort {
            ResortOf::Property { resorts, .. } => resorts
                .get(&name)
                .cloned()
                .ok_or(Verdict::Ignored(Ignored::UnknownProperty)),
            _ => ResortId::parse(&name).map_err(|_| unmappable(field.path(), FieldProblem::NotAllowed)),
        }
    }

    fn fetch(&mut self, resort: ResortId, locale: Locale) -> Result<Verdict, Verdict> {
        let booking = match self.read(Field::BookingId, locale, None) {
            Ok(Some(Json::String(id))) => BookingId::parse(&id).map_err(|_| FieldProblem::NotAllowed.into()),
            Ok(_) => Err(FieldProblem::Missing.into()),
            Err(cause) => Err(cause),
        };
        let booking =
            booking.map_err(|cause| Verdict::Unmappable(vec![Fault::new(Field::BookingId.path(), cause)]))?;
        self.seen.booking = Some(booking.clone());
        let id = match self.read(Field::FetchId, locale, None) {
            Ok(Some(Json::String(id))) => id,
            Ok(_) => booking.to_string(),
            Err(cause) => {
                return Err(Verdict::Unmappable(vec![Fault::new(
                    Field::FetchId.path(),
                    cause,
                )]));
            }
        };
        Ok(Verdict::Fetch { booking, resort, id })
    }

    /// The event in our own format, with what the expressions gave.
    fn draft(&mut self, event_type: EventType, resort: &ResortId, locale: Locale) -> Result<Draft, Verdict> {
        let mut draft = Draft::default();
        draft.put("type", Json::from(event_type.as_str()));
        draft.put("resort", Json::from(resort.as_str()));
        self.put_identity(&mut draft, locale);
        let country = self.read(Field::GuestCountry, locale, None).ok().flatten();
        let guest = country.as_ref().and_then(Json::as_str);
        let guest = guest.and_then(|text| Country::parse(text).ok());
        draft.put_some(Field::GuestCountry, country);
        let mut faults = Vec::new();
        for field in PLAIN_FIELDS {
            match self.read(*field, locale, guest) {
                Ok(value) => draft.put_some(*field, value),
                // The check would only say that a required field is missing; its cause says more.
                Err(cause) if check::is_required(event_type, field.path()) => {
                    faults.push(Fault::new(field.path(), cause));
                }
                Err(_) => {}
            }
        }
        self.put_total(&mut draft, locale);
        if self.is_late() {
            faults.push(Fault::new("event", Cause::TooCostly));
        }
        if faults.is_empty() {
            Ok(draft)
        } else {
            Err(Verdict::Unmappable(faults))
        }
    }

    /// Without an id of the platform's, the same request has the same id at each delivery.
    fn put_identity(&mut self, draft: &mut Draft, locale: Locale) {
        let occurred_at = self.read(Field::OccurredAt, locale, None).ok().flatten();
        let id = self.read(Field::Id, locale, None).ok().flatten();
        let id = id.unwrap_or_else(|| {
            let at = occurred_at.as_ref().and_then(Json::as_str).unwrap_or_default();
            Json::String(self.request.derive_id(&format!("{}:{at}", self.index)))
        });
        draft.put("id", id);
        let arrival = || {
            self.request
                .kept
                .received_at
                .to_rfc3339_opts(SecondsFormat::AutoSi, true)
        };
        draft.put(
            "occurred_at",
            occurred_at.unwrap_or_else(|| Json::String(arrival())),
        );
    }

    fn put_total(&mut self, draft: &mut Draft, locale: Locale) {
        let mut read = |field| match self.read(field, locale, None) {
            Ok(Some(Json::String(text))) => Some(text),
            _ => None,
        };
        let currency = read(Field::TotalCurrency);
        let amount = read(Field::TotalAmount).or_else(|| {
            let minor = read(Field::TotalMinor)?;
            casts::from_minor_units(&minor, currency.as_ref()?)
        });
        if let (Some(amount), Some(currency)) = (amount, currency) {
            draft.put("booking.total.amount", Json::String(amount));
            draft.put("booking.total.currency", Json::String(currency));
        }
    }

    /// The same check as for an event that came in our format.
    fn check<'a>(&mut self, draft: &Draft, standing: &dyn Fn(&ResortId) -> Standing<'a>) -> Verdict {
        let (seen, checked) = check::check_draft(
            draft,
            &Rules {
                source: self.request.source,
                signed_id: None,
                unknown_types: UnknownTypes::Refuse,
                optional_fields: OptionalFields::Drop,
                standing,
            },
        );
        self.seen = seen;
        match checked {
            Checked::Event(event) => Verdict::Event(event),
            Checked::Invalid(errors) => Verdict::Unmappable(errors.into_iter().map(Fault::from).collect()),
            Checked::ResortUnavailable => Verdict::ResortUnavailable,
            Checked::Ignored | Checked::NotAnObject => unmappable("event", FieldProblem::NotAllowed),
        }
    }

    fn read(&mut self, field: Field, locale: Locale, guest: Option<Country>) -> Result<Option<Json>, Cause> {
        let Some(expression) = self.mapping.definition.fields.get(&field) else {
            return Ok(None);
        };
        self.read_with(field, expression, |found| {
            casts::cast(field, found, locale, guest)
        })
    }

    fn read_with(
        &mut self,
        field: Field,
        expression: &Expression,
        cast: impl Fn(&Value) -> Cast,
    ) -> Result<Option<Json>, Cause> {
        let found = self.evaluate(expression);
        let cast = match &found {
            Ok(found) => cast(found).map_err(Cause::from),
            Err(cause) => Err(*cause),
        };
        self.readings.push(Reading {
            field,
            found,
            cast: cast.clone(),
        });
        cast
    }

    fn evaluate(&self, expression: &Expression) -> Result<Value, Cause> {
        if !expression.is_cheap() && self.is_late() {
            return Err(Cause::TooCostly);
        }
        expression.evaluate(self.scope)
    }

    fn is_late(&self) -> bool {
        (self.request.tools.is_late)()
    }
}

fn unmappable(field: &'static str, problem: FieldProblem) -> Verdict {
    Verdict::Unmappable(vec![Fault::new(field, problem.into())])
}
