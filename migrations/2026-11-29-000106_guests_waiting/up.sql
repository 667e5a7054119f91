CREATE INDEX CONCURRENTLY IF NOT EXISTS guests_waiting ON guests (replied_at) WHERE replied_at IS NOT NULL AND (resumed_at IS NULL OR resumed_at < replied_at);
