-- The span in which an event was applied, a booking was last changed by an event, and a message was planned, as W3C's
-- traceparent. Not known of rows that were written before, and where no request caused it.
ALTER TABLE events ADD COLUMN traceparent text COLLATE "C";
ALTER TABLE bookings ADD COLUMN traceparent text COLLATE "C";
ALTER TABLE messages ADD COLUMN traceparent text COLLATE "C";
