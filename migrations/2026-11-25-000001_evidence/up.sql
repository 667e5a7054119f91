-- What is known of calls that nobody spoke of again.
ALTER TABLE messages
    ADD COLUMN called_from    text,                          -- the business number of the last call
    ADD COLUMN paced          boolean NOT NULL DEFAULT false, -- WhatsApp held it back to judge its template first
    ADD COLUMN silent_attempt integer;                       -- whose silence has queued it again: that happens once
CREATE INDEX messages_by_call ON messages (called_from, claimed_at) WHERE claimed_at IS NOT NULL;

-- Events that came again and again: each is applied alone, and its try is noted before it begins.
CREATE TABLE suspects (
    key      text COLLATE "C" PRIMARY KEY,           -- source/id
    begun    integer NOT NULL,                       -- tries that nobody lived to finish, the present one included
    begun_at timestamptz NOT NULL
);
