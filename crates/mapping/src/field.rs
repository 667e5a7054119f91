//! The fields that a mapping can fill.

use std::fmt;

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $path:literal),+ $(,)?) => {
        /// A field of our event, or what decides on its resort, by its key in `[map]`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[$doc])* $variant),+ }

        impl Field {
            /// All fields, in the order in which they are read.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The key in `[map]`, with its tables: `booking.total.amount`.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$variant => $path),+ }
            }
        }
    };
}

fields! {
    /// The platform's id of the property.
    Property = "property",
    /// Our id of the resort, in place of `property`.
    Resort = "resort",
    Id = "id",
    OccurredAt = "occurred_at",
    Notify = "notify",
    /// What the platform is asked for, where that is not the booking's id.
    FetchId = "fetch_id",
    BookingId = "booking.id",
    CartId = "booking.cart_id",
    ResumeUrl = "booking.resume_url",
    CheckIn = "booking.check_in",
    CheckOut = "booking.check_out",
    Guests = "booking.guests",
    Room = "booking.room",
    /// A decimal number.
    TotalAmount = "booking.total.amount",
    /// Cents, or whatever the currency's smallest unit is.
    TotalMinor = "booking.total.minor",
    TotalCurrency = "booking.total.currency",
    GuestName = "guest.name",
    GuestCountry = "guest.country",
    GuestPhone = "guest.phone",
    GuestLanguage = "guest.language",
    GuestConsent = "guest.consent",
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}
