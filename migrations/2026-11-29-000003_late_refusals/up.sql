-- Refusals that come as a status after the call was accepted, and senders that cannot reach WhatsApp. Expands only.

-- The route of the last call, as a claim knew it: a failure that is reported later holds exactly that.
ALTER TABLE messages ADD COLUMN called_template text;        -- name/language; null for free text
ALTER TABLE messages ADD COLUMN called_country  integer;     -- calling code; null: called by an older program
ALTER TABLE messages ADD COLUMN failed_attempt  integer;     -- the last call that WhatsApp reported as failed
ALTER TABLE messages ADD COLUMN rested          boolean NOT NULL DEFAULT false; -- a day, since the guest had enough marketing
ALTER TABLE messages ADD COLUMN text_refused    boolean NOT NULL DEFAULT false; -- free text, although the window seemed open

-- A hold that a status laid outlasts the acceptance of its probe, until that call is known to have worked.
ALTER TABLE holds ADD COLUMN by_status      boolean NOT NULL DEFAULT false;
ALTER TABLE holds ADD COLUMN probe_id       uuid;            -- the message that tries
ALTER TABLE holds ADD COLUMN probe_taken_at timestamptz;     -- when WhatsApp accepted it

ALTER TABLE senders ADD COLUMN name               text;      -- host and process
ALTER TABLE senders ADD COLUMN unreachable_since  timestamptz; -- since when it cannot reach WhatsApp; null: it can
ALTER TABLE senders ADD COLUMN unreachable_reason text;
