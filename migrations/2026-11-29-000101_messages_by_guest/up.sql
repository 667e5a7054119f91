-- A reply is matched to the number that was called last, and the newest message to a guest is found.
CREATE INDEX CONCURRENTLY IF NOT EXISTS messages_by_guest ON messages (called_to, called_from, claimed_at) WHERE called_to IS NOT NULL;
