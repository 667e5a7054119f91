//! What is known of templates beside the resorts' files: which cannot be used now, and which WhatsApp has made marketing.

use std::collections::BTreeSet;

use diesel::sql_types::{Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::after_call::Scope;
use domain::ids::NumberId;
use domain::message::MessageKind;
use domain::template_category::MARKETING;

use crate::error::StoreError;
use crate::prepared::sql;

#[derive(Debug)]
pub struct KnownTemplates {
    held: Vec<Row>,
    /// Those that are marketing by WhatsApp's last report, at any account, as `name/language`.
    pub marketing: BTreeSet<String>,
}

/// A template that is held, or, without a hold, one that is marketing.
#[derive(Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    hold: Option<String>,
    /// The business number, which every hold of a template has.
    #[diesel(sql_type = Nullable<Text>)]
    number: Option<String>,
    /// The kind of message that is held; `None`: any.
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<String>,
    #[diesel(sql_type = Text)]
    template: String,
}

impl KnownTemplates {
    /// Reads both in one statement, since every batch that is sent needs them.
    pub fn read(connection: &mut PgConnection) -> Result<Self, StoreError> {
        let rows: Vec<Row> = sql(
            "SELECT key AS hold, number, kind, template FROM holds WHERE scope = $1 AND template IS NOT NULL AND ( \
               until > statement_timestamp() OR until IS NULL OR by_status AND probe_taken_at IS NOT NULL) \
             UNION ALL \
             SELECT DISTINCT NULL, NULL, NULL, template FROM template_categories WHERE category = $2",
        )
        .bind::<Text, _>(Scope::Template.as_str())
        .bind::<Text, _>(MARKETING)
        .load(connection)
        .map_err(StoreError::query("read what is known of templates"))?;
        let (held, marketing): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.hold.is_some());
        Ok(Self {
            held,
            marketing: marketing.into_iter().map(|row| row.template).collect(),
        })
    }

    /// The templates that messages of a kind cannot use at a number: they take the fallback.
    pub fn held_for(&self, number: &NumberId, kind: MessageKind) -> BTreeSet<String> {
        let held = self.holds_for(number, kind);
        held.map(|row| row.template.clone()).collect()
    }

    /// The key of the hold that stops a template for messages of a kind at a number.
    pub fn hold_on(&self, template: &str, number: &NumberId, kind: MessageKind) -> Option<String> {
        let mut holds = self.holds_for(number, kind);
        holds.find(|row| row.template == template)?.hold.clone()
    }

    fn holds_for(&self, number: &NumberId, kind: MessageKind) -> impl Iterator<Item = &Row> {
        let number = number.as_str();
        self.held.iter().filter(move |row| {
            row.number.as_deref() == Some(number)
                && row.kind.as_deref().is_none_or(|held| held == kind.as_str())
        })
    }
}
