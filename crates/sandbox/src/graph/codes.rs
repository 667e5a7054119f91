//! How each error code usually looks. Statuses differ between sources; a script can ask for another.

/// What is known of a code.
pub(super) struct Known {
    code: i64,
    title: &'static str,
    pub(super) status: u16,
    pub(super) details: Option<&'static str>,
}

impl Known {
    pub(super) fn message(&self) -> String {
        match self.code {
            2 => "Service temporarily unavailable".to_owned(),
            190 => "Error validating access token: Session has expired on a date in the past.".to_owned(),
            code => format!("(#{code}) {}", self.title),
        }
    }
}

/// The code as it usually looks; one that is not in the table is a plain 400.
pub(super) fn find(code: i64) -> Known {
    let (title, status) = CODES
        .iter()
        .find(|(known, ..)| *known == code)
        .map_or(("Unknown error", 400), |(_, title, status)| (title, *status));
    let details = DETAILS
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, details)| *details);
    Known {
        code,
        title,
        status,
        details: details.or((status != 401 && code != 2).then_some(title)),
    }
}

/// The title and details that stand in a notification of a failure.
pub(crate) fn title_in_notification(code: i64) -> (&'static str, &'static str) {
    let title = match code {
        131_026 => "Message undeliverable",
        131_049 => "This message was not delivered to maintain healthy ecosystem engagement.",
        131_050 => "User has stopped marketing messages",
        code => find(code).title,
    };
    (title, find(code).details.unwrap_or(title))
}

const CODES: &[(i64, &str, u16)] = &[
    (0, "AuthException", 401),
    (1, "API Unknown", 400),
    (2, "API Service", 503),
    (3, "API Method", 500),
    (4, "API Too Many Calls", 400),
    (10, "Permission Denied", 403),
    (33, "Parameter value is not valid", 400),
    (100, "Invalid parameter", 400),
    (104, "Access token missing", 401),
    (190, "Access token has expired", 401),
    (200, "API Permission", 403),
    (368, "Temporarily blocked for policies violations", 403),
    (80_007, "Rate limit issues", 400),
    (130_403, "Business blocked the user", 400),
    (130_429, "Rate limit hit", 429),
    (130_472, "User's number is part of an experiment", 400),
    (
        130_497,
        "Business account is restricted from messaging users in this country",
        403,
    ),
    (131_000, "Something went wrong", 500),
    (131_005, "Access denied", 403),
    (131_008, "Required parameter is missing", 400),
    (131_009, "Parameter value is not valid", 400),
    (131_016, "Service unavailable", 500),
    (131_021, "Recipient cannot be sender", 400),
    (131_026, "Message Undeliverable", 400),
    (131_030, "Recipient phone number not in allowed list", 400),
    (131_031, "Account has been locked", 403),
    (131_037, "Display name not approved", 400),
    (131_042, "Business eligibility payment issue", 400),
    (131_045, "Incorrect certificate", 500),
    (131_047, "Re-engagement message", 400),
    (131_048, "Spam rate limit hit", 400),
    (
        131_049,
        "Not delivered to maintain healthy ecosystem engagement",
        400,
    ),
    (131_050, "User stopped marketing messages", 400),
    (131_051, "Unsupported message type", 400),
    (131_052, "Media download error", 400),
    (131_053, "Media upload error", 400),
    (131_055, "Method not allowed", 400),
    (
        131_056,
        "(Business Account, Consumer Account) pair rate limit hit",
        400,
    ),
    (131_057, "Account in maintenance mode", 500),
    (131_062, "BSUID recipient not supported", 400),
    (131_063, "Marketing templates disabled on Cloud API", 400),
    (
        131_064,
        "Messaging limit: template classification violations",
        400,
    ),
    (
        132_000,
        "Number of parameters does not match the expected number of params",
        400,
    ),
    (132_001, "Template name does not exist in the translation", 404),
    (132_005, "Template Hydrated Text Too Long", 400),
    (132_007, "Template Format Character Policy Violated", 400),
    (132_008, "Template parameter value invalid", 400),
    (132_012, "Template Parameter Format Mismatch", 400),
    (132_015, "Template is Paused", 400),
    (132_016, "Template is Disabled", 400),
    (132_018, "Template validation error", 400),
    (132_068, "Flow is blocked", 400),
    (132_069, "Flow is throttled", 400),
    (133_000, "Incomplete Deregistration", 500),
    (133_004, "Server Temporarily Unavailable", 503),
    (133_005, "Two step verification PIN Mismatch", 400),
    (133_006, "Phone number re-verification needed", 400),
    (133_008, "Too Many two step verification PIN Guesses", 400),
    (133_009, "Two step verification PIN Guessed Too Fast", 400),
    (133_010, "Phone number Not Registered", 400),
    (133_015, "Recently deleted, deletion not complete", 400),
    (133_016, "Register/deregister rate limit exceeded", 400),
    (134_011, "WhatsApp Payments terms pending", 400),
    (134_100, "Only marketing messages supported", 400),
    (134_101, "Your template is still syncing", 400),
    (134_102, "Template unavailable for use", 500),
    (135_000, "Generic user error", 400),
    (137_000, "Recipient identity key mismatch", 400),
    (2_494_100, "Account is in maintenance mode", 400),
];

const DETAILS: &[(i64, &str)] = &[
    (368, "The account has been restricted."),
    (
        80_007,
        "The WhatsApp Business Account has reached its rate limit.",
    ),
    (130_429, "Cloud API message throughput has been reached."),
    (
        130_472,
        "Failed to send message because this user's phone number is part of an experiment",
    ),
    (131_026, "Message Undeliverable."),
    (131_031, "Business Account locked"),
    (
        131_042,
        "Message failed to send because there was an error related to your payment method.",
    ),
    (
        131_047,
        "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
    ),
    (
        131_049,
        "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    ),
    (
        131_050,
        "This recipient has chosen to stop receiving marketing messages on WhatsApp from your business.",
    ),
    (
        131_056,
        "Too many messages sent from this phone number to the same phone number in a short period of time.",
    ),
    (132_015, "Template is paused due to low quality."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_once_and_an_unknown_one_is_a_400() {
        let mut codes: Vec<_> = CODES.iter().map(|(code, ..)| *code).collect();
        codes.dedup();

        assert!(codes.is_sorted() && codes.len() == CODES.len());
        assert_eq!(find(130_429).status, 429);
        assert_eq!(find(987).status, 400);
    }
}
