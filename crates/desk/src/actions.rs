//! The rules of the desk, for every face: what may be shown to whom and what the audit trail records, how dead letters
//! are imported and retried, how keys are changed. Nothing here prints or reads arguments. What needs no rule is a call of
//! `store` in the face itself.

pub(crate) mod audit;
pub(crate) mod bookings;
pub(crate) mod context;
pub(crate) mod conversations;
pub(crate) mod event_file;
pub(crate) mod guests;
pub(crate) mod holds;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod letters;
pub(crate) mod masking;
pub(crate) mod messages;
pub(crate) mod names;
pub(crate) mod notes;
pub(crate) mod overview;
pub(crate) mod presets;
pub(crate) mod preview;
pub(crate) mod report;
pub(crate) mod simulation;
pub(crate) mod source_answers;
pub(crate) mod trial;
pub(crate) mod webhook_test;
pub(crate) mod whatsapp_check;
pub(crate) mod words;
