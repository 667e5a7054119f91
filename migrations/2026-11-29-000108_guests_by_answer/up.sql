CREATE INDEX CONCURRENTLY IF NOT EXISTS guests_by_answer ON guests (answer_id) WHERE answer_id IS NOT NULL;
