-- What a member of the staff may do, and at which resorts (NULL: at all). Members from before may do everything.
ALTER TABLE staff ADD COLUMN role text COLLATE "C" NOT NULL DEFAULT 'admin';
ALTER TABLE staff ADD COLUMN resorts text[];

-- One-time links that sign a browser in. Of a link only the hash is stored.
CREATE TABLE staff_links (
    link_hash  bytea PRIMARY KEY,
    member     text COLLATE "C" NOT NULL REFERENCES staff (name),
    expires_at timestamptz NOT NULL
);

-- Browsers that are signed in. Of the cookie only the hash is stored.
CREATE TABLE staff_sessions (
    cookie_hash bytea PRIMARY KEY,
    id          uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), -- names the session on pages
    member      text COLLATE "C" NOT NULL REFERENCES staff (name),
    browser     text NOT NULL,                         -- its family, such as "Firefox on Linux"
    began_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX staff_sessions_by_member ON staff_sessions (member);
