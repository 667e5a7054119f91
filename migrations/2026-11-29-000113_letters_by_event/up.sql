-- The platform's own id of an event; a message's id has no source.
CREATE INDEX CONCURRENTLY IF NOT EXISTS letters_by_event ON letters (substr(amqp_id, strpos(amqp_id, '/') + 1));
