//! How an error and its causes are written in one line.

use std::error::Error;

/// Joins an error and its causes with `": "`, the outermost first.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot publish the event")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the connection was reset")]
    struct Inner;

    #[test]
    fn an_error_is_written_with_all_its_causes() {
        assert_eq!(
            chain(&Outer(Inner)),
            "cannot publish the event: the connection was reset"
        );
        assert_eq!(chain(&Inner), "the connection was reset");
    }
}
