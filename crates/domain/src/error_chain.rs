//! How an error and its causes are written in one line.

use std::error::Error;

/// Joins an error and its causes with `": "`, the outermost first. A cause that what is before it ends with is left out.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let told = inner.to_string();
        if !text.ends_with(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
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

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Repeating {
        text: &'static str,
        #[source]
        cause: Inner,
    }

    #[test]
    fn a_cause_that_its_error_has_said_already_is_left_out() {
        for text in [
            "the connection was reset",
            "cannot publish: the connection was reset",
        ] {
            assert_eq!(chain(&Repeating { text, cause: Inner }), text);
        }
    }
}
