-- When the reservation was confirmed, by its event: its guest then gets no reminder for a while. Not known of rows that were
-- written before, until they change.
ALTER TABLE bookings ADD COLUMN confirmed_at timestamptz;

-- The guests who got a message of the day from a business number, locked by each claim of such a message. Whether a listed
-- message still counts is in its own row. A row is deleted when none has counted for a day.
CREATE TABLE reminded (
    phone_hash  bytea NOT NULL,
    number      text COLLATE "C" NOT NULL,           -- WhatsApp's id of the business number
    messages    uuid[] NOT NULL DEFAULT '{}',
    reminded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (phone_hash, number)
);
CREATE INDEX reminded_by_age ON reminded (reminded_at);
