CREATE INDEX CONCURRENTLY IF NOT EXISTS letters_by_reason ON letters (reason, died_at, id);
