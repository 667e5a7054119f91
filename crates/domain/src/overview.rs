//! The figures of the whole for the desk's first page. Nothing in them is personal.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::ResortId;
use crate::staff::Scope;

/// As the processors write them, once a minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Open dead letters by reason.
    #[serde(default)]
    pub letters: Vec<Figure>,
    /// Guests whose replies wait for staff. The name is empty.
    #[serde(default)]
    pub waiting: Vec<Figure>,
    /// Messages whose time has come and that did not go yet, by state: `queued`, `held`. Their age counts from the time at which they
    /// were due.
    #[serde(default)]
    pub due: Vec<Figure>,
    /// Messages that were called for in the last 24 hours, by state; the oldest call.
    #[serde(default)]
    pub messages: Vec<Figure>,
    /// When each source was last heard, as far as that was within a day. The name is the source.
    #[serde(default)]
    pub sources: Vec<Heard>,
}

/// How many there are, of one resort and name, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// `None`: they belong to no resort.
    pub resort: Option<ResortId>,
    pub name: String,
    pub count: i64,
    pub oldest: Option<DateTime<Utc>>,
}

/// When `ingest` last answered a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub source: String,
    pub at: DateTime<Utc>,
}

impl Overview {
    /// What a member may see who works for these resorts. Sources belong to no resort, so only who works for all sees them.
    #[must_use]
    pub fn within(mut self, scope: &Scope) -> Self {
        for figures in [
            &mut self.letters,
            &mut self.waiting,
            &mut self.due,
            &mut self.messages,
        ] {
            figures.retain(|figure| scope.includes(figure.resort.as_ref()));
        }
        if *scope != Scope::All {
            self.sources.clear();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(resort: Option<&str>) -> Figure {
        Figure {
            resort: resort.and_then(|id| ResortId::parse(id).ok()),
            name: "refused".to_owned(),
            count: 1,
            oldest: None,
        }
    }

    // shows: B196
    #[test]
    fn who_works_for_some_resorts_sees_their_figures_alone() {
        let figures = || {
            vec![
                figure(Some("azure-bay")),
                figure(Some("olive-hill")),
                figure(None),
            ]
        };
        let whole = Overview {
            letters: figures(),
            waiting: figures(),
            due: figures(),
            messages: figures(),
            sources: vec![Heard {
                source: "direct".to_owned(),
                at: DateTime::default(),
            }],
        };
        let azure_bay = Scope::Resorts(ResortId::parse("azure-bay").into_iter().collect());

        let seen = whole.clone().within(&azure_bay);

        for figures in [seen.letters, seen.waiting, seen.due, seen.messages] {
            assert_eq!(figures, [figure(Some("azure-bay"))]);
        }
        assert_eq!(seen.sources, []);
        assert_eq!(whole.clone().within(&Scope::All), whole);
    }
}
