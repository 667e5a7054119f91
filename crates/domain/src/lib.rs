//! The rules of the product: what a booking, stay, guest and message are, what follows from the facts, and what to
//! do after a call to WhatsApp.
//!
//! The crate does no IO, reads no clock and draws no random number: time, chance and settings are arguments.
//!
//! Read it along the way of a webhook. An [`event`] becomes [`facts`], which say what is known of a booking.
//! [`plan`] says which messages follow from them, and [`plan::difference`] what that changes in the messages that
//! exist. For a message that is due, [`before_call`] decides whether it goes now, and [`render`] writes its text.
//! [`after_call`] decides what follows from WhatsApp's answer, [`hold`] which other messages have to wait, and
//! [`silence_policy`] what to do about a call whose outcome stays unknown. [`message_record`] applies these
//! decisions to the message.

pub mod after_call;
pub mod approved_template;
pub mod audit;
pub mod backoff;
pub mod before_call;
pub mod condition;
pub mod consent;
pub mod country;
pub mod dead_letter;
pub mod duration;
pub mod endpoint;
pub mod error_chain;
pub mod event;
pub mod facts;
pub mod guest;
pub mod hold;
pub mod hold_out;
pub mod ids;
pub mod ledger;
pub mod letter_job;
pub mod local_time;
pub mod message;
pub mod message_record;
pub mod moment;
pub mod overview;
pub mod phone_number;
pub mod plan;
pub mod preview;
pub mod raised_alert;
pub mod render;
pub mod report;
pub mod resort;
pub mod silence_policy;
pub mod simulation;
pub mod source_report;
pub mod spelling;
pub mod staff;
pub mod staff_answer;
pub mod stay;
pub mod template_category;
pub mod template_text;
pub mod text_enum;
pub mod trace;
pub mod webhook_out;
