//! The refusals by which `/marketing_messages` says that it cannot be used. The same message may still go by `/messages`.
//!
//! Meta documents 131055 and 134100 to 134102 for this endpoint, and 131009 also for a template that is not yet, or no
//! longer, known to it ("Marketing Messages API", troubleshooting and error codes). Who has not accepted its terms gets 200
//! (providers' pages quote the answer). These and the other codes of missing rights and unknown paths would stop a whole
//! token or number, while `/messages` may accept: only its refusal may do that.

use domain::after_call::Scope;

/// First and last code, and what the endpoint cannot be used with.
const OF_ENDPOINT: &[(i64, i64, Scope)] = &[
    // The app lacks the capability, or the permission.
    (3, 3, Scope::Number),
    (10, 10, Scope::Number),
    // The number "does not support this operation".
    (33, 33, Scope::Number),
    (200, 299, Scope::Number),
    (UNKNOWN_PATH, UNKNOWN_PATH, Scope::Number),
    (131_009, 131_009, Scope::Template),
    (131_055, 131_055, Scope::Template),
    (134_100, 134_102, Scope::Template),
];

/// The Graph API's code for a path that it does not have.
pub(crate) const UNKNOWN_PATH: i64 = 2_500;

/// What the endpoint cannot be used with; `None` where the refusal is about the message, or about more than this endpoint.
pub(crate) fn cannot_be_used_with(code: i64) -> Option<Scope> {
    let about_it = |(first, last, _): &&(i64, i64, Scope)| (*first..=*last).contains(&code);
    OF_ENDPOINT.iter().find(about_it).map(|(.., scope)| *scope)
}
