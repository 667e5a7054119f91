//! What a booking, stay, guest and message are, what follows from the facts, and what to do after a call.
//!
//! Nothing here does IO, reads a clock or draws a random number: time, chance and settings are arguments.
//! Read along the way of a webhook: an [`event`] becomes [`facts`] (what is known of a booking), a [`plan`] says what
//! follows from them, [`plan::difference`] what that changes in the messages, [`before_call`] whether one that is due
//! goes now, [`render`] what it says, [`after_call`] what follows from WhatsApp's answer, [`hold`] what else must wait
//! then, [`silence_policy`] what to make of a call that nobody speaks of, and [`message::life`] where all that leaves the message.

pub mod after_call;
pub mod audit;
pub mod backoff;
pub mod before_call;
pub mod consent;
pub mod country;
pub mod dead_letter;
pub mod duration;
pub mod event;
pub mod facts;
pub mod guest;
pub mod hold;
pub mod ids;
pub mod ledger;
pub mod local_time;
pub mod message;
pub mod phone_number;
pub mod plan;
pub mod render;
pub mod resort;
pub mod silence_policy;
pub mod stay;
pub mod text_enum;
