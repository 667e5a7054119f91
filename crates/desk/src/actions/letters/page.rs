//! One page of a filter's letters, with the figures of all of them.

use domain::dead_letter::Standing;
use domain::staff::Scope;
use store::letters::{self, Choices, Filter, Place, ReasonCount, Start};
use store::{Store, StoreError};

use super::view::{Kept, LetterView};

/// Letters per page.
const MOST: usize = 50;

/// A page of letters, the oldest first.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) letters: Vec<LetterView>,
    /// Letters before this place are on another page.
    pub(crate) older: Option<Place>,
    /// Letters behind this place are on another page.
    pub(crate) newer: Option<Place>,
    /// How many match.
    pub(crate) total: i64,
    /// How many of them are open.
    pub(crate) open: i64,
    pub(crate) reasons: Vec<ReasonCount>,
    /// For the menus.
    pub(crate) choices: Choices,
}

/// A page of what a filter matches; its menus offer what the open letters of these resorts have.
pub(crate) async fn page(
    store: &Store,
    filter: Filter,
    start: Start,
    within: Scope,
) -> Result<Listed, StoreError> {
    store
        .run(move |connection| {
            let page = letters::page(connection, &filter, start, MOST)?;
            let reasons = letters::count_by_reason(connection, &filter)?;
            let total = reasons.iter().map(|reason| reason.count).sum();
            let open = match filter.standing {
                Some(Standing::Open) => total,
                Some(_) => 0,
                None => {
                    let open = Filter {
                        standing: Some(Standing::Open),
                        ..filter.clone()
                    };
                    letters::extent(connection, &open)?.0
                }
            };
            let kept = Kept::of(connection, None, page.letters)?;
            Ok(Listed {
                letters: kept.into_iter().map(LetterView::from).collect(),
                older: page.older,
                newer: page.newer,
                total,
                open,
                reasons,
                choices: letters::choices(connection, &within)?,
            })
        })
        .await
}
