//! Spans, sent to a collector: OTLP over HTTP, in its JSON encoding.
//!
//! A program makes its [`Spans`] once and hands them finished [`Span`]s, made by hand where the work is. Without an endpoint in
//! the environment nothing is made, sent or logged. No work waits for the collector: what it does not take in time is dropped
//! and counted.
//!
//! The crate knows neither what a span is about nor where a trace comes from: `domain::trace` says what travels, and the
//! programs carry it on. Start with [`Spans`]; [`Settings`] lists the variables.

mod encoding;
mod exporter;
mod settings;
mod span;

pub use exporter::Spans;
pub use settings::Settings;
pub use span::{Kind, Span, Value, next};
