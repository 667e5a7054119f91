//! The check of a call's access token.

use std::collections::HashSet;

use crate::graph::GraphError;

/// Refuses a missing or unknown token as the Graph API refuses an expired one.
pub(crate) fn check(
    authorization: Option<&str>,
    accepted: Option<&HashSet<String>>,
) -> Result<(), GraphError> {
    let token = authorization
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim);
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Err(GraphError::token(
            "Invalid OAuth access token - Cannot parse access token",
        ));
    };
    if accepted.is_none_or(|accepted| accepted.contains(token)) {
        return Ok(());
    }
    Err(GraphError {
        subcode: Some(463),
        ..GraphError::new(190)
    })
}
