//! The actions that the audit trail records.

use crate::text_enum::text_enum;

text_enum! {
    /// What a member of the staff did, or looked at, that others must be able to look up.
    Action("action") {
        /// The desk showed a booking's guest: name, number, link.
        BookingRevealed = "booking_revealed",
        /// The desk's page showed a conversation, for a quarter of an hour.
        ConversationOpened = "conversation_opened",
        /// The desk showed the guest and the content of a dead letter.
        LetterRevealed = "letter_revealed",
        /// The desk showed the notes on pauses.
        HoldsRevealed = "holds_revealed",
        /// The desk showed the notes in the audit trail.
        AuditRevealed = "audit_revealed",
        LetterRetried = "letter_retried",
        /// The number of a dead letter's booking was corrected.
        PhoneCorrected = "phone_corrected",
        /// A person said whether a message was sent or not.
        LetterSettled = "letter_settled",
        /// A dead letter was closed without further action.
        LetterClosed = "letter_closed",
        /// A dead letter was given to a member of the staff to take care of, or to nobody.
        LetterAssigned = "letter_assigned",
        /// An action over everything that a filter matches began; each of its letters has a row of its own.
        LetterJobMade = "letter_job_made",
        LetterJobCancelled = "letter_job_cancelled",
        /// A person laid a hold.
        Paused = "paused",
        Resumed = "resumed",
        /// The re-encryption of all sealed values under the first key began.
        ResealBegun = "reseal_begun",
        ResealEnded = "reseal_ended",
        /// The desk sent a preview of a message to a test number.
        PreviewSent = "preview_sent",
        /// A file of events began to be imported.
        ImportBegun = "import_begun",
        ImportEnded = "import_ended",
        GuestExported = "guest_exported",
        /// The desk recorded a guest's stop.
        GuestStopped = "guest_stopped",
        /// The desk let a guest's reminders go again after a reply.
        GuestResumed = "guest_resumed",
        /// The desk sent a guest an answer.
        GuestAnswered = "guest_answered",
        /// A guest's conversation was given to a member of the staff, or to nobody.
        ConversationAssigned = "conversation_assigned",
        /// A guest's conversation waits no more until a time.
        ConversationSnoozed = "conversation_snoozed",
        /// What a guest wrote needs no answer, or no further one.
        ConversationClosed = "conversation_closed",
        /// A file that a guest sent was fetched.
        MediaFetched = "media_fetched",
        /// Staff do not want an upcoming message of a booking.
        MessageWithdrawn = "message_withdrawn",
        /// Staff want an upcoming message of a booking to be sent without waiting.
        MessageSentNow = "message_sent_now",
        /// After a restore of the database, due messages were marked as perhaps sent.
        MessagesDoubted = "messages_doubted",
        GuestErased = "guest_erased",
        /// A person joined the staff, or got a new token after having left it.
        StaffAdded = "staff_added",
        StaffRemoved = "staff_removed",
        /// A member's role or resorts were changed.
        StaffChanged = "staff_changed",
        /// A link was made that signs a member's browser in.
        StaffLinkMade = "staff_link_made",
        /// A browser was signed in at the desk's page.
        SignedIn = "signed_in",
    }
}
