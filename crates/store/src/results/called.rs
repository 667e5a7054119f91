//! The last call of each reported message, read without a lock before the holds are laid.

use std::collections::BTreeMap;

use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl, SelectableHelper};
use domain::hold::{NewHold, Route};
use domain::ids::{BookingKey, MessageId, NumberId};
use domain::message::DeliveryStatus;
use domain::message_record::{Judging, LastCall, MessageRecord, Report};
use uuid::Uuid;

use super::columns::Columns;
use crate::error::StoreError;
use crate::holds::Word;
use crate::schema::messages;

/// What the column `template` holds for free text.
const FREE_TEXT: &str = "text";

/// A message as it was a moment ago.
pub(super) struct Known {
    pub(super) id: MessageId,
    pub(super) called: LastCall,
    record: MessageRecord,
}

impl Known {
    /// What a report calls for to be held.
    pub(super) fn hold_after(&self, report: &Report, judging: &Judging) -> Option<NewHold> {
        self.record.hold_after(report, judging, &self.called)
    }

    /// What a report says of the last call, should it be a hold's probe.
    pub(super) fn word(&self, report: &Report) -> Option<Word> {
        if report.status == DeliveryStatus::Failed {
            return self.record.is_failed_by(report).then_some(Word::Failed);
        }
        self.record.is_brought_by(report).then_some(Word::Went)
    }
}

type Row = (
    Uuid,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i32>,
    Columns,
);

/// Reads those of some messages that were called for.
pub(super) fn read(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<BTreeMap<MessageId, Known>, StoreError> {
    let rows: Vec<Row> = messages::table
        .filter(messages::id.eq_any(ids))
        .select((
            messages::id,
            messages::booking_key,
            messages::kind,
            messages::called_from,
            messages::template,
            messages::called_template,
            messages::called_country,
            Columns::as_select(),
        ))
        .load(connection)
        .map_err(StoreError::query("read what reported messages were called for"))?;
    let known = rows.into_iter().filter_map(|row| into_known(row).transpose());
    known.map(|known| known.map(|known| (known.id, known))).collect()
}

fn into_known(row: Row) -> Result<Option<Known>, StoreError> {
    let unreadable = |what| StoreError::Unreadable { what };
    let (id, booking_key, kind, called_from, template, called_template, called_country, columns) = row;
    let booking: BookingKey = booking_key.parse().map_err(|_| unreadable("booking key"))?;
    let Some(number) = called_from.and_then(|number| NumberId::parse(&number).ok()) else {
        return Ok(None);
    };
    let country = called_country.and_then(|code| u16::try_from(code).ok());
    let called = LastCall {
        free_text: called_template.is_none() && template.as_deref() == Some(FREE_TEXT),
        country_is_known: country.is_some(),
        route: Route {
            resort: booking.resort,
            number,
            country: country.unwrap_or_default(),
            template: called_template,
            kind: kind.parse().map_err(|_| unreadable("message kind"))?,
        },
    };
    Ok(Some(Known {
        id: MessageId(id),
        called,
        record: columns.into_record()?,
    }))
}
