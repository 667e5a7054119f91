//! What is logged and counted about holds.

use domain::hold::{Cause, NewHold};
use store::holds::{Laid, Released};
use store::results::Outcome;
use whatsapp::error_codes;

use crate::metrics::SenderMetrics;

/// The holds that began, lasted on or ended with some results: one alert for each that is new.
pub(crate) fn recorded(metrics: &SenderMetrics, outcome: &Outcome) {
    for (hold, laid) in &outcome.laid {
        let (key, scope, code) = (hold.key(), hold.scope.as_str(), hold.cause.to_string());
        match laid {
            Laid::New => {
                metrics.holds_begun.with_label_values(&[scope]).inc();
                laid_new(hold, &key);
            }
            Laid::Again => {
                log::warn!(hold = key, scope, code, event = "hold_extended"; "still refused; the hold lasts twice as long");
            }
            Laid::Known => log::debug!(hold = key, scope, code; "refused while held"),
        }
    }
    for key in &outcome.lifted {
        log::warn!(hold = key, event = "hold_lifted"; "hold lifted: WhatsApp accepts again");
    }
}

fn laid_new(hold: &NewHold, key: &str) {
    let (scope, pause_s) = (hold.scope.as_str(), hold.pause.as_secs());
    match &hold.cause {
        Cause::Code(code) => {
            log::error!(hold = key, scope, code, title = error_codes::title(*code), pause_s, heard = hold.reported_in.as_str(),
                alert = "hold_laid"; "hold laid: WhatsApp refuses this scope");
        }
        Cause::NotWhatsApp(seen) => {
            log::error!(hold = key, scope, seen, pause_s, alert = "foreign_answers";
                "hold laid: another server answers in WhatsApp's place");
        }
    }
}

/// What a round of hold maintenance let go.
pub(crate) fn maintained(mended: usize, released: &Released) {
    let Released {
        freed,
        probes,
        expired,
        lifted,
    } = released;
    for key in lifted {
        log::warn!(hold = key, event = "hold_lifted";
            "hold lifted: WhatsApp no longer reports accepted messages as failed");
    }
    if *freed + *probes + *expired + mended > 0 {
        log::info!(freed, probes, expired, mended, event = "messages_let_go"; "held messages let go");
    }
}
