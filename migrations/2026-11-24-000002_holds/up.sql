-- What is kept from being sent. A null column covers everything; a message is covered by a hold that it matches whole.
CREATE TABLE holds (
    key      text COLLATE "C" PRIMARY KEY,           -- scope and coverage: one hold of each
    scope    text NOT NULL,                          -- token, platform, number, account, country, template; paused
    resort   text,
    number   text,
    country  integer,                                -- calling code
    template text,                                   -- name/language
    kind     text,
    reason   text NOT NULL,                          -- WhatsApp's code, or a person's words
    by_whom  text,                                   -- null: a machine
    since    timestamptz NOT NULL DEFAULT now(),
    until    timestamptz,                            -- when messages may try again; null: when a person says so
    pause_ms bigint,                                 -- how long it lasted last; refused again, twice as long
    probed_at timestamptz                            -- when a held message was last let go to try
);

ALTER TABLE messages ADD COLUMN held_by text;        -- the hold's key; null where its resort's file lacks a template
CREATE INDEX messages_held ON messages (held_by, due_at) WHERE state = 'held';

-- The senders that run, so that they can share a number's pace.
CREATE TABLE senders (
    id      uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL
);
