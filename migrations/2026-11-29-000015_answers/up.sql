-- What staff answered guests: the content of a message of the kind 'staff-answer', sealed, until its retention is over.
CREATE TABLE answers (
    message_id    uuid PRIMARY KEY REFERENCES messages (id),
    booking_key   text COLLATE "C" NOT NULL,
    by_whom       text COLLATE "C" NOT NULL,           -- the member of the staff
    written_at    timestamptz NOT NULL,
    sealed_answer bytea NOT NULL
);
CREATE INDEX answers_by_booking ON answers (booking_key);
CREATE INDEX answers_by_age ON answers (written_at);

-- How far staff have come with what a guest wrote. Each "up to" is a time of `replied_at`, not of a clock: a message that
-- arrives while staff answer an earlier one waits all the same.
ALTER TABLE guests
    ADD COLUMN waits_since timestamptz,                -- the first message that nobody has answered, since the guest waits
    ADD COLUMN answered_up_to timestamptz,
    ADD COLUMN answer_id uuid,                         -- the message with the last answer
    ADD COLUMN closed_up_to timestamptz,               -- needs no answer, or no further one
    ADD COLUMN snoozed_up_to timestamptz,
    ADD COLUMN snoozed_until timestamptz,
    ADD COLUMN assignee text COLLATE "C";              -- a member of the staff

-- The guests whose messages wait for staff, also those whose conversation is snoozed. An answer that never went is none.
CREATE VIEW waiting_guests AS
SELECT g.resort, g.phone_hash, g.replied_at, g.assignee,
    CASE WHEN coalesce(g.waits_since > greatest(g.resumed_at, g.answered_up_to, g.closed_up_to), g.waits_since IS NOT NULL)
        THEN g.waits_since ELSE g.replied_at END AS since,
    CASE WHEN g.snoozed_up_to >= g.replied_at AND g.snoozed_until > clock_timestamp() THEN g.snoozed_until END AS snoozed_until
FROM guests g
WHERE g.replied_at IS NOT NULL AND (g.resumed_at IS NULL OR g.resumed_at < g.replied_at)
  AND (g.answered_up_to IS NULL OR g.answered_up_to < g.replied_at)
  AND (g.closed_up_to IS NULL OR g.closed_up_to < g.replied_at)
UNION ALL
SELECT g.resort, g.phone_hash, g.replied_at, g.assignee, g.replied_at,
    CASE WHEN g.snoozed_up_to >= g.replied_at AND g.snoozed_until > clock_timestamp() THEN g.snoozed_until END
FROM answers a JOIN messages m ON m.id = a.message_id JOIN guests g ON g.answer_id = a.message_id
WHERE m.state IN ('withdrawn', 'expired', 'skipped', 'dead') AND g.answered_up_to >= g.replied_at
  AND (g.resumed_at IS NULL OR g.resumed_at < g.replied_at)
  AND (g.closed_up_to IS NULL OR g.closed_up_to < g.replied_at);
