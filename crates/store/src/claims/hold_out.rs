//! Who is in the hold-out: decided by a keyed hash, so that a guest's group is known without a row, and to nobody without the key.

use crypto::key_ring::KeyRing;
use domain::hold_out::Draw;
use domain::message::MessageKind;
use domain::phone_number::PhoneNumber;
use domain::resort::Resort;

/// Whether a message of this kind is a reminder that the guest does not get, so that reminders can be measured.
pub fn is_held_out(ring: &KeyRing, resort: &Resort, kind: MessageKind, guest: &PhoneNumber) -> bool {
    let draw = || Draw::of_hash(ring.lookup(Draw::hash_input(&resort.id, guest)));
    !resort.hold_out.is_none() && resort.is_reminder(kind) && resort.hold_out.holds(draw())
}
