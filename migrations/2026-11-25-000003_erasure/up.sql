-- Guests who were erased, and from when back: what was accepted up to then is stripped, whenever it arrives.
CREATE TABLE erased_bookings (
    key       text COLLATE "C" PRIMARY KEY,          -- resort/id; the booking may not be known yet
    erased_at timestamptz NOT NULL
);
CREATE TABLE erased_guests (
    phone_hash bytea NOT NULL,
    place      text NOT NULL,                        -- a resort; empty: everywhere; a slash: only what names no booking
    erased_at  timestamptz NOT NULL,
    PRIMARY KEY (phone_hash, place)
);

-- How a raw event is found that names no booking: by the guest's number, or by the message that it reports on.
ALTER TABLE events
    ADD COLUMN phone_hash bytea,
    ADD COLUMN message_id uuid;
CREATE INDEX events_by_guest ON events (phone_hash) WHERE phone_hash IS NOT NULL AND sealed_body IS NOT NULL;
CREATE INDEX events_by_message ON events (message_id) WHERE message_id IS NOT NULL AND sealed_body IS NOT NULL;

-- Retention looks at the oldest bookings that still tell of a guest.
ALTER TABLE bookings ADD COLUMN tells_of_guest boolean NOT NULL DEFAULT true;
CREATE INDEX bookings_by_age ON bookings (created_at, key) WHERE tells_of_guest;
CREATE INDEX bookings_by_reservation ON bookings (became_key) WHERE became_key IS NOT NULL;

-- A letter outlives its body, and is still known when it comes again.
ALTER TABLE letters
    ALTER COLUMN body DROP NOT NULL,
    ADD COLUMN digest      bytea,                    -- SHA-256 of a body that is gone
    ADD COLUMN phone_hash  bytea,                    -- the guest that an event speaks of
    ADD COLUMN received_at timestamptz;              -- when ingest took the event
DROP INDEX letters_once;
DROP INDEX letters_once_undated;
CREATE UNIQUE INDEX letters_once ON letters (kind, amqp_id, coalesce(digest, sha256(body)), died_at) WHERE dated;
CREATE UNIQUE INDEX letters_once_undated ON letters (kind, amqp_id, coalesce(digest, sha256(body))) WHERE NOT dated AND state = 'open';
CREATE INDEX letters_of_guest ON letters (phone_hash) WHERE phone_hash IS NOT NULL;
CREATE INDEX letters_with_body ON letters (id) WHERE body IS NOT NULL AND kind = 'events';

-- What was noted of a guest is found by the number that was named.
CREATE INDEX audit_of_guest ON audit (phone_hash) WHERE phone_hash IS NOT NULL;
