//! Why something was given up and laid on a person's desk.

use crate::text_enum::text_enum;

text_enum! {
    /// The reason in a letter's `bellhop-reason` header.
    DeadLetterReason("dead letter reason") {
        /// WhatsApp refused the message for good.
        Refused = "refused",
        /// WhatsApp refused the message again and again for a passing reason.
        RetriesExhausted = "retries_exhausted",
        /// WhatsApp could not be reached, again and again.
        Unreachable = "unreachable",
        /// Nobody said what became of a call.
        OutcomeUnknown = "outcome_unknown",
        /// WhatsApp accepted the message and reported later that it failed.
        DeliveryFailed = "delivery_failed",
        /// The guest refuses marketing from this number.
        OptedOut = "opted_out",
        /// Neither the kind nor the fallback has a template.
        TemplateMissing = "template_missing",
        /// Postgres refused this event again and again.
        CannotBeApplied = "cannot_be_applied",
        /// Its handler crashed again and again.
        Crashed = "crashed",
        /// The envelope, or what was sealed in it, could not be read.
        Undecodable = "undecodable",
        /// RabbitMQ gave it back too often; such a letter carries no headers of ours.
        DeliveryLimit = "delivery_limit",
    }
}
