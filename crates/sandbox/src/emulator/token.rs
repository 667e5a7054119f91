//! Whether a call has an access token that is accepted.

use std::collections::HashSet;

use crate::graph::GraphError;

/// Refuses a call as the Graph API does: without a token, or with one that has expired.
pub(super) fn check(
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
