//! Work that is done again and again until the process stops.

use std::time::Duration;

use crate::Stop;

/// Runs `work` at once, then every `period` and on each SIGHUP, one at a time, until the stop.
pub async fn run<F: Future<Output = ()>>(stop: &Stop, period: Duration, mut work: impl FnMut() -> F) {
    let mut reloads = stop.reloads();
    loop {
        work().await;
        tokio::select! {
            () = stop.stopped() => return,
            () = tokio::time::sleep(period) => {}
            // An error means that no signal can come any more: the period remains.
            Ok(()) = reloads.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reload_does_not_wait_for_the_period_and_a_stop_ends_it() {
        let (stop, mut runs) = (Stop::manual(), 0);

        run(&stop, Duration::from_secs(3_600), || {
            runs += 1;
            if runs == 1 {
                stop.reload()
            } else {
                stop.stop()
            }
            std::future::ready(())
        })
        .await;

        assert_eq!(runs, 2);
    }
}
