-- What a platform is still to be asked for: the webhook named a booking only. The event itself, with its sealed body, is a row of
-- `events`; this row is the work, and is gone when the work is done.
CREATE TABLE fetches (
    key             text PRIMARY KEY,                   -- as in events
    source          text NOT NULL,
    due_at          timestamptz NOT NULL DEFAULT now(), -- moved ahead by a claim: the lease of the process that asks
    attempts        integer NOT NULL DEFAULT 0,         -- claims; fences their results
    failures        integer NOT NULL DEFAULT 0,         -- calls that failed
    refusals        integer NOT NULL DEFAULT 0,         -- those of them that the platform refused
    first_failed_at timestamptz
);
CREATE INDEX fetches_due ON fetches (source, due_at);

-- When each platform may be asked next, by all processors together.
CREATE TABLE fetch_turns (
    source  text PRIMARY KEY,
    next_at timestamptz NOT NULL DEFAULT now()
);
