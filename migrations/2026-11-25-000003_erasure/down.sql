DROP INDEX audit_of_guest;
DROP INDEX letters_with_body, letters_of_guest, letters_once, letters_once_undated;
UPDATE letters SET body = digest WHERE body IS NULL;
ALTER TABLE letters
    ALTER COLUMN body SET NOT NULL,
    DROP COLUMN digest,
    DROP COLUMN phone_hash,
    DROP COLUMN received_at;
CREATE UNIQUE INDEX letters_once ON letters (kind, amqp_id, sha256(body), died_at) WHERE dated;
CREATE UNIQUE INDEX letters_once_undated ON letters (kind, amqp_id, sha256(body)) WHERE NOT dated AND state = 'open';
DROP INDEX bookings_by_reservation, bookings_by_age;
ALTER TABLE bookings DROP COLUMN tells_of_guest;
DROP INDEX events_by_message, events_by_guest;
ALTER TABLE events DROP COLUMN message_id, DROP COLUMN phone_hash;
DROP TABLE erased_guests, erased_bookings;
