-- The calls whose template WhatsApp was pacing: whoever judges the silence after a call asks for them, and they are few. Without
-- an index of their own the question read every message.
CREATE INDEX CONCURRENTLY IF NOT EXISTS messages_paced ON messages (called_from, template, claimed_at) WHERE paced;
