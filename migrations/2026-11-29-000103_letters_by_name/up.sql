CREATE INDEX CONCURRENTLY IF NOT EXISTS letters_by_name ON letters USING gin (name_hashes) WHERE name_hashes IS NOT NULL;
