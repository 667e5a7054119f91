-- Who takes care of a dead letter.
ALTER TABLE letters ADD COLUMN assigned_to text COLLATE "C" REFERENCES staff (name);
ALTER TABLE letters ADD COLUMN assigned_at timestamptz;

-- Who looked at a letter within the last hour.
CREATE TABLE letter_views (
    letter  bigint NOT NULL REFERENCES letters (id),
    member  text COLLATE "C" NOT NULL REFERENCES staff (name),
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (letter, member)
);
CREATE INDEX letter_views_by_age ON letter_views (seen_at);

-- Actions over everything that a filter matches, carried out by any desk.
CREATE TABLE letter_jobs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action      text COLLATE "C" NOT NULL,                  -- retry, close, assign
    assignee    text COLLATE "C",                           -- of assign; NULL: nobody
    filter      text NOT NULL,                              -- in its text form
    member      text COLLATE "C" NOT NULL REFERENCES staff (name),
    role        text COLLATE "C" NOT NULL,                  -- the member's when it was made
    resorts     text[],                                     -- the member's when it was made
    note_key    text COLLATE "C",
    last_letter bigint NOT NULL,                            -- later ones are not the job's
    total       bigint NOT NULL,                            -- how many matched when it was made
    state       text COLLATE "C" NOT NULL DEFAULT 'running', -- running, done, cancelled, failed
    failure     text,                                       -- why it failed
    position    bigint NOT NULL DEFAULT 0,                  -- the last letter that was decided
    postponed   bigint[] NOT NULL DEFAULT '{}',             -- requests about carts, which come last
    counts      jsonb NOT NULL DEFAULT '{}',                -- letters by outcome
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    lease       uuid,                                       -- of the desk that carries it out
    lease_until timestamptz
);
CREATE INDEX letter_jobs_running ON letter_jobs (id) WHERE state = 'running';

-- The figures of the whole for the desk's first page: one row, written each minute.
CREATE TABLE overview (
    id      smallint PRIMARY KEY CHECK (id = 1),
    figures jsonb NOT NULL,
    made_at timestamptz NOT NULL
);
