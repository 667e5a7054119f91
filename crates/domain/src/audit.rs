//! What stands in the audit trail.

use crate::text_enum::text_enum;

text_enum! {
    /// What somebody did that others must be able to look up.
    Action("action") {
        /// A booking's guest was shown: name, number, link.
        BookingRevealed = "booking_revealed",
        /// A letter's guest and content were shown.
        LetterRevealed = "letter_revealed",
        /// What people said of their pauses was shown.
        HoldsRevealed = "holds_revealed",
        /// What people said of what they did was shown.
        AuditRevealed = "audit_revealed",
        /// What died was tried once more.
        LetterRetried = "letter_retried",
        /// The number of a letter's booking was put right.
        PhoneCorrected = "phone_corrected",
        /// Somebody said what became of a message.
        LetterSettled = "letter_settled",
        /// Nothing is to be done about a letter.
        LetterClosed = "letter_closed",
        /// Messages were held.
        Paused = "paused",
        /// A hold was ended.
        Resumed = "resumed",
        /// Somebody began to seal everything anew.
        ResealBegun = "reseal_begun",
        /// Everything was gone through.
        ResealEnded = "reseal_ended",
        /// Everything that is held of a guest was exported.
        GuestExported = "guest_exported",
        /// A guest wanted no more reminders and review requests.
        GuestStopped = "guest_stopped",
        /// A guest was forgotten.
        GuestErased = "guest_erased",
        /// Somebody joined the staff, or got a new token after having left it.
        StaffAdded = "staff_added",
        /// Somebody left the staff.
        StaffRemoved = "staff_removed",
    }
}
