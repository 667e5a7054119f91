-- The latest alert of each id about each subject, which the resorts that it concerns are told of at most once an hour. Nothing
-- in it is personal.
CREATE TABLE raised_alerts (
    alert       text COLLATE "C" NOT NULL,
    subject     text COLLATE "C" NOT NULL,             -- 'resort azure-bay', 'source lodgify', …; empty: everything
    content     jsonb NOT NULL,                        -- domain::raised_alert::RaisedAlert
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_told     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (alert, subject)
);
CREATE INDEX raised_alerts_untold ON raised_alerts (recorded_at) WHERE NOT is_told;
