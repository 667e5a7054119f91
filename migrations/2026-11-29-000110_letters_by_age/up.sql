-- Pages of all letters by age.
CREATE INDEX CONCURRENTLY IF NOT EXISTS letters_by_age ON letters (died_at, id);
