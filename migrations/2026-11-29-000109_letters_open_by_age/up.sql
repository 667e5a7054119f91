-- Pages of open letters by age, and their figures from the index alone.
CREATE INDEX CONCURRENTLY IF NOT EXISTS letters_open_by_age ON letters (died_at, id) INCLUDE (reason, resort, kind, assigned_to) WHERE state = 'open';
