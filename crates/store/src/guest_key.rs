//! The key by which a guest of a resort is looked up.

use domain::ids::ResortId;

/// A guest of a resort. It holds no phone number, only the number's keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestKey {
    /// Keyed hash of the number.
    pub phone_hash: [u8; 32],
    /// A consent given to one resort says nothing about another.
    pub resort: ResortId,
}
