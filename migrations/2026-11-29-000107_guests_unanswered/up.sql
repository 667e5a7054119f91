CREATE INDEX CONCURRENTLY IF NOT EXISTS guests_unanswered ON guests (replied_at) WHERE replied_at IS NOT NULL
    AND (resumed_at IS NULL OR resumed_at < replied_at)
    AND (answered_up_to IS NULL OR answered_up_to < replied_at)
    AND (closed_up_to IS NULL OR closed_up_to < replied_at);
