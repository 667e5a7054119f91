//! The table of all codes of the Cloud API.

use domain::after_call::Advice::{Fallback, GiveUp, Hold, OptOut, RestADay, Retry, Throttle};
use domain::after_call::Scope::{
    Account, Country, Message, Number, Pair, Platform, Recipient, Template, Token,
};

use super::{Entry, entry};

/// Sorted by code.
pub(super) const TABLE: &[Entry] = &[
    entry(0, "AuthException", Token, Hold),
    entry(1, "API Unknown", Platform, Retry).unsure(),
    entry(2, "API Service", Platform, Retry),
    entry(3, "API Method", Token, Hold),
    entry(4, "API Too Many Calls", Platform, Throttle),
    entry(10, "Permission Denied", Token, Hold),
    entry(33, "Parameter value is not valid", Number, Hold),
    entry(100, "Invalid parameter", Message, GiveUp),
    entry(104, "(missing token)", Token, Hold),
    entry(190, "Access token has expired", Token, Hold),
    entry(200, "API Permission", Token, Hold).to(299),
    entry(368, "Temporarily blocked for policies violations", Account, Hold),
    entry(80_007, "Rate limit issues", Account, Throttle),
    entry(130_403, "Business blocked the user", Recipient, GiveUp).both_ways(),
    entry(130_429, "Rate limit hit", Number, Throttle),
    entry(
        130_472,
        "User's number is part of an experiment",
        Recipient,
        GiveUp,
    )
    .by_status(),
    entry(
        130_497,
        "Business account is restricted from messaging users in this country",
        Country,
        Hold,
    )
    .both_ways(),
    entry(131_000, "Something went wrong", Platform, Retry)
        .unsure()
        .both_ways(),
    entry(131_005, "Access denied", Token, Hold),
    entry(131_008, "Required parameter is missing", Message, GiveUp),
    entry(131_009, "Parameter value is not valid", Message, GiveUp),
    entry(131_016, "Service unavailable", Platform, Retry)
        .unsure()
        .both_ways(),
    entry(131_021, "Recipient cannot be sender", Recipient, GiveUp),
    entry(131_026, "Message Undeliverable", Recipient, GiveUp).by_status(),
    entry(
        131_030,
        "Recipient phone number not in allowed list",
        Recipient,
        GiveUp,
    ),
    entry(131_031, "Account has been locked", Account, Hold).both_ways(),
    entry(131_037, "Display name not approved", Number, Hold),
    entry(131_042, "Business eligibility payment issue", Account, Hold).both_ways(),
    entry(131_045, "Incorrect certificate", Number, Hold).both_ways(),
    entry(131_047, "Re-engagement message", Recipient, Fallback).by_status(),
    entry(131_048, "Spam rate limit hit", Number, Hold).both_ways(),
    entry(
        131_049,
        "Not delivered to maintain healthy ecosystem engagement",
        Recipient,
        RestADay,
    )
    .by_status(),
    entry(131_050, "User stopped marketing messages", Recipient, OptOut).both_ways(),
    entry(131_051, "Unsupported message type", Message, GiveUp).both_ways(),
    entry(131_052, "Media download error", Message, GiveUp).by_status(),
    entry(131_053, "Media upload error", Message, GiveUp).by_status(),
    entry(131_055, "Method not allowed", Template, GiveUp),
    entry(
        131_056,
        "(Business Account, Consumer Account) pair rate limit hit",
        Pair,
        Throttle,
    ),
    entry(131_057, "Account in maintenance mode", Number, Retry),
    entry(131_062, "BSUID recipient not supported", Recipient, GiveUp),
    entry(
        131_063,
        "Marketing templates disabled on Cloud API",
        Account,
        Hold,
    ),
    entry(
        131_064,
        "Messaging limit: template classification violations",
        Account,
        Hold,
    )
    .both_ways(),
    entry(132_000, "Template Param Count Mismatch", Template, GiveUp),
    entry(132_001, "Template does not exist", Template, Fallback),
    entry(132_005, "Template Hydrated Text Too Long", Template, GiveUp),
    entry(
        132_007,
        "Template Format Character Policy Violated",
        Template,
        Fallback,
    ),
    entry(132_008, "Template parameter value invalid", Template, GiveUp),
    entry(132_012, "Template Parameter Format Mismatch", Template, GiveUp),
    entry(132_015, "Template is Paused", Template, Fallback).both_ways(),
    entry(132_016, "Template is Disabled", Template, Fallback).both_ways(),
    entry(132_018, "Template validation error", Template, GiveUp),
    entry(132_068, "Flow is blocked", Template, Fallback),
    entry(132_069, "Flow is throttled", Template, Fallback).passing(),
    entry(133_000, "Incomplete Deregistration", Number, Hold),
    entry(133_004, "Server Temporarily Unavailable", Platform, Retry),
    entry(133_005, "Two step verification PIN Mismatch", Number, Hold),
    entry(133_006, "Phone number re-verification needed", Number, Hold),
    entry(
        133_008,
        "Too Many two step verification PIN Guesses",
        Number,
        Hold,
    ),
    entry(
        133_009,
        "Two step verification PIN Guessed Too Fast",
        Number,
        Hold,
    ),
    entry(133_010, "Phone number Not Registered", Number, Hold),
    entry(133_015, "Recently deleted, deletion not complete", Number, Retry),
    entry(133_016, "Register/deregister rate limit exceeded", Number, Hold),
    entry(134_011, "WhatsApp Payments terms pending", Account, Hold),
    entry(134_100, "Only marketing messages supported", Template, GiveUp),
    entry(134_101, "Your template is still syncing", Template, Fallback).passing(),
    entry(134_102, "Template unavailable for use", Template, Fallback),
    entry(135_000, "Generic user error", Message, GiveUp).both_ways(),
    entry(137_000, "Recipient identity key mismatch", Recipient, GiveUp).both_ways(),
    entry(2_494_100, "Account is in maintenance mode", Number, Retry),
];
