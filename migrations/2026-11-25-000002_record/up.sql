-- Who may act at the desk. Whoever is removed stays here: the audit trail names them.
CREATE TABLE staff (
    name       text COLLATE "C" PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,                -- SHA-256: a token is as random as a key
    added_at   timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz
);

-- Why people did things, in their own words: sealed, since words may name guests. They lie beside what refers to them,
-- so that keys can be changed and guests erased while the audit trail stays as it is.
CREATE TABLE notes (
    key         text COLLATE "C" PRIMARY KEY,        -- a random UUID
    sealed_note bytea NOT NULL
);

-- Who did what, and when. Rows are only ever added, and hold nothing personal of guests.
CREATE TABLE audit (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor      text NOT NULL,                        -- a name of the table staff
    action     text NOT NULL,
    resort     text,
    booking    text,
    letter     bigint,
    phone_hash bytea,                                -- where a number was named: its keyed hash
    details    text NOT NULL DEFAULT '',             -- what exactly, in words of ours
    note_key   text COLLATE "C"                      -- why, in the table notes; no reference: it may be erased
);
CREATE INDEX audit_of_booking ON audit (booking, resort) WHERE booking IS NOT NULL;

CREATE FUNCTION refuse_to_change_the_audit_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: it takes no %', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_trail();
-- Always: also for sessions that play a replica, which ordinary triggers leave alone.
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_is_append_only;

-- Expands only: letters.note and the words in holds.reason are neither written nor read any more.
ALTER TABLE letters ADD COLUMN note_key text COLLATE "C";
ALTER TABLE holds   ADD COLUMN note_key text COLLATE "C";
