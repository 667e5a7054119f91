-- Keys are texts in the C collation: one order for locks, everywhere, and cheap comparisons.
-- bytea columns named sealed_* hold AES-256-GCM values; *_hash columns hold keyed hashes.

CREATE TABLE events (
    key         text COLLATE "C" PRIMARY KEY,        -- source/id
    source      text NOT NULL,
    event_type  text NOT NULL,
    booking_key text COLLATE "C",                    -- null for a guest's wish and for WhatsApp's notifications
    received_at timestamptz NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    request_id  text NOT NULL,
    outcome     text NOT NULL,                       -- applied, ignored
    sealed_body bytea                                -- null once its retention is over
);
CREATE INDEX events_by_booking ON events (booking_key) WHERE booking_key IS NOT NULL;
CREATE INDEX events_by_age ON events (received_at) WHERE sealed_body IS NOT NULL;

CREATE TABLE bookings (
    key          text COLLATE "C" PRIMARY KEY,       -- resort/id
    resort       text NOT NULL,
    id           text NOT NULL,
    status       text NOT NULL,
    sealed_facts bytea NOT NULL,
    version      bigint NOT NULL DEFAULT 0,          -- grows with every change of the facts
    phone_hash   bytea,                              -- null: no valid number
    stands       boolean NOT NULL DEFAULT false,     -- a reservation that is not cancelled
    check_in     date,
    check_out    date,
    became_key   text COLLATE "C",                   -- the reservation that this cart became
    wake_at      timestamptz,                        -- null: nothing changes by itself
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bookings_due ON bookings (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX bookings_by_guest ON bookings (phone_hash) WHERE phone_hash IS NOT NULL;

CREATE TABLE guests (
    resort       text NOT NULL,
    phone_hash   bytea NOT NULL,
    opted_out_at timestamptz,
    opted_in_at  timestamptz,
    PRIMARY KEY (phone_hash, resort)
);

CREATE TABLE conversations (
    number     text NOT NULL,                        -- WhatsApp's id of the business number
    phone_hash bytea NOT NULL,
    open_until timestamptz NOT NULL,                 -- 24 hours after the guest's last message
    PRIMARY KEY (phone_hash, number)
);

CREATE TABLE messages (
    id               uuid PRIMARY KEY,
    booking_key      text COLLATE "C" NOT NULL REFERENCES bookings (key),
    kind             text NOT NULL,
    round            integer NOT NULL,
    basis_at         timestamptz NOT NULL,
    state            text NOT NULL,
    reason           text,
    due_at           timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    publish_at       timestamptz,                    -- when its id is next handed out; null unless queued
    publishes        integer NOT NULL DEFAULT 0,     -- hand-outs since it was last queued
    attempts         integer NOT NULL DEFAULT 0,     -- calls begun; fences results
    retries          integer NOT NULL DEFAULT 0,     -- passing refusals of this message
    turn             text NOT NULL DEFAULT 'template',
    withdrawn_reason text,                           -- the mark: never queued again
    claimed_at       timestamptz,
    claim_token      uuid,
    whatsapp_hash    bytea,                          -- of WhatsApp's id, which holds the guest's number
    sent_at          timestamptz,
    delivery         text,                           -- the highest status that WhatsApp reported
    delivery_at      timestamptz,
    template         text,                           -- what was sent last: template or text
    error_code       bigint,
    letter_due       boolean NOT NULL DEFAULT false, -- dead, and its letter is not yet on the queue
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (booking_key, kind, round)
);
CREATE INDEX messages_to_publish ON messages (publish_at) WHERE publish_at IS NOT NULL;
CREATE INDEX messages_in_doubt ON messages (claimed_at) WHERE state IN ('sending', 'unknown');
CREATE INDEX messages_by_whatsapp_id ON messages (whatsapp_hash) WHERE whatsapp_hash IS NOT NULL;
CREATE INDEX messages_with_letter ON messages (id) WHERE letter_due;

-- Rows change often and die never in place: keep room for updates on the same page, and clean up early.
ALTER TABLE messages SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE bookings SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
