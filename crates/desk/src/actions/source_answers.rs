//! What a source was answered in the last day. Nothing in it is personal.

use std::collections::BTreeMap;

use domain::ids::SourceId;
use domain::source_report::{AnswerCount, LATEST, SourceAnswer};
use serde::Serialize;
use store::{Store, StoreError, source_reports};

#[derive(Debug, Serialize)]
pub(crate) struct SourceAnswers {
    pub(crate) source: String,
    /// Of a day, also of requests that were not authentic; the most frequent first.
    pub(crate) counts: Vec<AnswerCount>,
    /// To authentic requests, newest first.
    pub(crate) answers: Vec<SourceAnswer>,
}

pub(crate) async fn last(store: &Store, source: &SourceId) -> Result<SourceAnswers, StoreError> {
    let of_source = source.clone();
    let reports = store
        .run(move |connection| source_reports::list(connection, &of_source))
        .await?;
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    let mut answers = Vec::new();
    for (_, report) in reports {
        for one in report.counts {
            *counts.entry((one.status, one.answer, one.reason)).or_default() += one.count;
        }
        answers.extend(report.answers);
    }
    // Several processes report at once.
    answers.sort_by_key(|answer| std::cmp::Reverse(answer.at));
    answers.truncate(LATEST);
    let counts = counts
        .into_iter()
        .map(|((status, answer, reason), count)| AnswerCount {
            status,
            answer,
            reason,
            count,
        });
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.count));
    Ok(SourceAnswers {
        source: source.to_string(),
        counts,
        answers,
    })
}
