-- What `ingest` answered a source lately, for `desk source last`. Nothing in it is personal. It is kept for a day.
CREATE TABLE source_reports (
    id          text PRIMARY KEY,        -- one for each publication: a redelivery changes nothing
    source      text NOT NULL,
    reported_at timestamptz NOT NULL,
    report      text NOT NULL            -- JSON
);
CREATE INDEX source_reports_of_source ON source_reports (source, reported_at);
CREATE INDEX source_reports_old ON source_reports (reported_at);
