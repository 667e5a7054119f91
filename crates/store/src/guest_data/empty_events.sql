-- Raw events of bookings ($1), reports on their messages, and what names a number or another name ($2), accepted up to $3 (null: whenever).
-- The ids stay: they make a repeated delivery harmless.
WITH found AS (
    SELECT key FROM events
    WHERE booking_key = ANY($1) AND sealed_body IS NOT NULL AND ($3 IS NULL OR received_at <= $3)
    UNION
    SELECT e.key FROM messages m JOIN events e ON e.message_id = m.id
    WHERE m.booking_key = ANY($1) AND e.sealed_body IS NOT NULL AND ($3 IS NULL OR e.received_at <= $3)
    UNION
    SELECT key FROM events
    WHERE phone_hash = ANY($2) AND sealed_body IS NOT NULL AND ($3 IS NULL OR received_at <= $3)
    UNION
    SELECT key FROM events
    WHERE name_hashes && $2 AND sealed_body IS NOT NULL AND ($3 IS NULL OR received_at <= $3)
)
UPDATE events SET sealed_body = NULL WHERE key = ANY(ARRAY(
    SELECT e.key FROM events e JOIN found USING (key) ORDER BY e.key FOR NO KEY UPDATE OF e))
