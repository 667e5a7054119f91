//! Figures of the whole database as metrics. One processor exports them: the one that holds the lock of
//! [`store::figures`]. The others export 0, so that a sum over all processors is the figure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::topology::Depths;
use domain::ids::NumberId;
use service::Stop;
use store::figures::FigureReader;
use store::report_gaps::ReportGap;
use tokio::sync::watch;

use crate::context::Context;
use crate::report_months::ReportMonths;

const REFRESH_EVERY: Duration = Duration::from_secs(5);

pub(crate) struct FigureExport {
    context: Arc<Context>,
    reader: FigureReader,
    /// What this process sees of RabbitMQ's queues.
    depths: watch::Receiver<Option<Depths>>,
    /// Numbers that nothing is reported of, and that were logged.
    silent: BTreeSet<NumberId>,
    report_months: ReportMonths,
}

impl FigureExport {
    pub(crate) fn new(context: Arc<Context>, depths: watch::Receiver<Option<Depths>>) -> Self {
        let reader = FigureReader::new(context.store.clone());
        Self {
            context,
            reader,
            depths,
            silent: BTreeSet::new(),
            report_months: ReportMonths::default(),
        }
    }

    pub(crate) async fn run(mut self, stop: Stop) {
        while !stop.is_stopped() {
            self.refresh().await;
            tokio::select! {
                () = stop.stopped() => {}
                () = tokio::time::sleep(REFRESH_EVERY) => {}
            }
        }
    }

    pub(crate) async fn refresh(&mut self) {
        let metrics = &self.context.metrics;
        match self.reader.read().await {
            Ok(Some(figures)) => {
                metrics.show_figures(&figures, &self.context.missing_keys.get());
                metrics.waiting.show_queues(*self.depths.borrow());
                if let Some(error) = &figures.overview_failed {
                    log::warn!(event = "overview_not_written", error = service::chain(error);
                        "cannot write the figures for the desk's first page");
                }
                self.alert_of_gaps(&figures.report_gaps);
                self.report_months.count_if_due(&self.context).await;
            }
            Ok(None) => {
                metrics.reset_figures();
                self.silent.clear();
            }
            Err(error) => {
                log::debug!(error = service::chain(&error); "cannot read the figures of the database");
                metrics.reset_figures();
            }
        }
    }

    /// One line for each number and outage, at most one an hour.
    fn alert_of_gaps(&mut self, gaps: &[ReportGap]) {
        let is_silent = |number: &NumberId| gaps.iter().any(|gap| gap.number == *number);
        for number in self.silent.extract_if(.., |number| !is_silent(number)) {
            log::warn!(number = number.as_str(), event = "reports_again"; "WhatsApp's reports arrive again");
        }
        for gap in gaps {
            let number = gap.number.as_str();
            let is_new = !self.silent.contains(&gap.number);
            if is_new
                && self
                    .context
                    .alerts
                    .is_due("reports_missing", number, Instant::now())
            {
                self.silent.insert(gap.number.clone());
                log::error!(number = number, waiting_since = gap.waiting_since.to_rfc3339(), alert = "reports_missing";
                    "WhatsApp accepted messages and reports nothing of them; stops of guests are lost too: `desk whatsapp check`");
            }
        }
    }
}
