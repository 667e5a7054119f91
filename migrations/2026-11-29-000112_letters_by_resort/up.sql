CREATE INDEX CONCURRENTLY IF NOT EXISTS letters_by_resort ON letters (resort, died_at, id);
