//! The whole system from outside: webhooks in, WhatsApp messages out.
//!
//! Every test starts the real programs.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

mod bulk;
mod compose;
mod crash_points;
mod failures;
mod fairness;
mod flows;
mod guests;
mod holds;
mod identity;
mod imports;
mod keys;
mod kubernetes;
mod late;
mod leaks;
mod letters;
mod mapped;
mod mended;
mod metrics;
mod monitoring;
mod networks;
mod open_files;
mod poison;
mod published;
mod record;
mod restart;
mod restored;
mod rights;
mod scene;
mod shutdown;
mod stalls;
mod traces;
mod unknown;
mod unreachable;
mod upgrade;
