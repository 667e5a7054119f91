//! `/audit`: who looked at what, and who decided what.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form, Query};
use askama::Template;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use domain::audit::Action;
use domain::ids::{BookingKey, StaffName};
use serde::Deserialize;
use store::audit::Filter;
use url::form_urlencoded;

use super::desk::Desk;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::audit::{self, RecordView};
use crate::actions::notes::Reader;

/// On a page.
const MOST: u32 = 100;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    asked: Asked,
    members: Vec<String>,
    records: Vec<RecordView>,
    is_revealed: bool,
    /// The address of the rows before these, if there are more.
    older: Option<String>,
}

/// The filter, as the address and the form have it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    who: String,
    action: String,
    booking: String,
    since: String,
    /// Continues below this row.
    before: Option<i64>,
}

impl Asked {
    fn older(&self, shown: &[RecordView]) -> String {
        let before = shown
            .last()
            .map(|record| record.id.to_string())
            .unwrap_or_default();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("who", self.who.as_str()),
            ("action", &self.action),
            ("booking", &self.booking),
            ("since", &self.since),
            ("before", &before),
        ]);
        format!("/audit?{}", query.finish())
    }

    fn filter(&self) -> Result<Filter, Problem> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let invalid = |what: &str| Problem::Invalid(what.to_owned());
        let who = given(&self.who).map(|name| StaffName::parse(&name)).transpose();
        let action = given(&self.action)
            .map(|action| action.parse::<Action>())
            .transpose();
        let booking = given(&self.booking)
            .map(|key| key.parse::<BookingKey>())
            .transpose();
        let since = given(&self.since)
            .map(|day| {
                let day = NaiveDate::parse_from_str(&day, "%Y-%m-%d").ok();
                // The database knows fewer years.
                let day = day.filter(|day| (1900..10_000).contains(&day.year()));
                day.ok_or_else(|| invalid("A day is written 2026-11-29."))
            })
            .transpose()?;
        Ok(Filter {
            actor: who.map_err(|_| invalid("That is no name of a member."))?,
            action: action.map_err(|_| invalid("There is no such action."))?,
            booking: booking.map_err(|_| invalid("A booking is named RESORT/ID."))?,
            before: self.before,
            since: since
                .map(|day| DateTime::<Utc>::from_naive_utc_and_offset(day.and_time(NaiveTime::MIN), Utc)),
        })
    }
}

pub(super) async fn list(
    desk: Data<Desk>,
    visitor: Visitor,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    show(&desk, &visitor, asked.into_inner(), None).await
}

/// As [`list`], with the reasons that people gave.
pub(super) async fn reveal(
    desk: Data<Desk>,
    visitor: Visitor,
    asked: Form<Asked>,
) -> Result<HttpResponse, Problem> {
    let reader = Reader {
        by: visitor.actor(None),
        key_ring: desk.key_ring.clone(),
    };
    show(&desk, &visitor, asked.into_inner(), Some(reader)).await
}

async fn show(
    desk: &Desk,
    visitor: &Visitor,
    asked: Asked,
    reader: Option<Reader>,
) -> Result<HttpResponse, Problem> {
    visitor.reach_everything()?;
    let is_revealed = reader.is_some();
    let records = audit::list(&desk.store, asked.filter()?, MOST, reader).await?;
    let members = desk.store.run(store::staff::list).await?;
    page::answer(&AuditPage {
        frame: Frame::new(desk, visitor, Section::Audit, "Audit trail").await?,
        older: (records.len() == MOST as usize).then(|| asked.older(&records)),
        members: members.into_iter().map(|member| member.name).collect(),
        asked,
        records,
        is_revealed,
    })
}
