CREATE INDEX CONCURRENTLY IF NOT EXISTS events_by_name ON events USING gin (name_hashes)
    WHERE name_hashes IS NOT NULL AND sealed_body IS NOT NULL;
