//! Figures of the whole database as metrics. One processor exports them: the one that holds the lock of
//! [`store::figures`]. The others export 0, so that a sum over all processors is the figure.

use std::sync::Arc;
use std::time::Duration;

use service::Stop;
use store::figures::FigureReader;

use crate::context::Context;

const REFRESH_EVERY: Duration = Duration::from_secs(5);

pub(crate) struct FigureExport {
    context: Arc<Context>,
    reader: FigureReader,
}

impl FigureExport {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let reader = FigureReader::new(context.store.clone());
        Self { context, reader }
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
            Ok(Some(figures)) => metrics.show_figures(&figures, &self.context.missing_keys.get()),
            Ok(None) => metrics.reset_figures(),
            Err(error) => {
                log::debug!(error = service::chain(&error); "cannot read the figures of the database");
                metrics.reset_figures();
            }
        }
    }
}
