CREATE INDEX CONCURRENTLY IF NOT EXISTS letters_unmatched ON letters (id) WHERE reason = 'unmatched_stop' AND state = 'open';
