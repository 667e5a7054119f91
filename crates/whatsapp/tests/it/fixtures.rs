//! Reads the examples.

use std::fs;
use std::path::PathBuf;

use domain::endpoint::Endpoint;
use domain::message::{Attempt, CallbackData};
use domain::phone_number::PhoneNumber;
use domain::render::Content;
use serde_json::Value;
use whatsapp::request::Outgoing;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// The text of one example.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(folder(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The JSON of one example.
pub(crate) fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of all examples in a folder, with the folder.
pub(crate) fn list(name: &str) -> Vec<String> {
    let files = fs::read_dir(folder(name)).unwrap();
    let mut names: Vec<_> = files
        .map(|file| format!("{name}/{}", file.unwrap().file_name().to_string_lossy()))
        .collect();
    names.sort();
    names
}

/// A message to the guest of the examples.
pub(crate) fn message(content: Content) -> Outgoing {
    Outgoing {
        to: PhoneNumber::from_whatsapp("4915550001111").unwrap(),
        callback: CallbackData {
            message: MESSAGE.parse().unwrap(),
            attempt: Attempt(2),
        },
        content,
        endpoint: Endpoint::Messages,
        trace: None,
    }
}

/// The id of that message.
pub(crate) const MESSAGE: &str = "019346ab-0000-7000-8000-000000000001";
