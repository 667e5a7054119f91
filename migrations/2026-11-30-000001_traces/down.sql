ALTER TABLE messages DROP COLUMN traceparent;
ALTER TABLE bookings DROP COLUMN traceparent;
ALTER TABLE events DROP COLUMN traceparent;
