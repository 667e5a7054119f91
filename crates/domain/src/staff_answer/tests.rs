//! Which answers of staff are sent, and until when.
