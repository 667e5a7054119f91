-- The moments of the resorts' own files, since when each is as it is: none is planned for a time before that.
CREATE TABLE moments (
    resort     text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    definition text COLLATE "C" NOT NULL, -- its time and condition, as the file writes them
    since      timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_at timestamptz,              -- a processor has a file without it
    -- Existing bookings are planned with it in the background, in the order of their keys.
    planned_to text COLLATE "C" NOT NULL DEFAULT '',
    planned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_planned boolean NOT NULL DEFAULT false,
    PRIMARY KEY (resort, name, definition)
);
