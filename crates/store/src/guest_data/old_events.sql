-- The next page of raw events that are old enough to be looked at, the oldest first; those whose time is over are emptied.
-- $1 resorts, $2 from when on each keeps its raw events, $3 and its guests' texts; $4 and $5 where the page begins, $6 its
-- length.
WITH terms AS (
    SELECT * FROM unnest($1, $2, $3) AS t(resort, kept_from, texts_from)
), shortest AS (
    SELECT max(kept_from) AS kept_from, max(texts_from) AS texts_from FROM terms
), page AS MATERIALIZED (
    SELECT e.key, e.received_at, e.booking_key, e.event_type FROM events e
    WHERE e.sealed_body IS NOT NULL AND e.received_at < (SELECT greatest(kept_from, texts_from) FROM shortest)
      AND (e.received_at, e.key) > ($4, $5 COLLATE "C")
    ORDER BY e.received_at, e.key LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED
), over AS (
    UPDATE events e SET sealed_body = NULL FROM page p, shortest s
    WHERE e.key = p.key AND CASE
        WHEN p.event_type = 'whatsapp_message' THEN p.received_at < s.texts_from
        WHEN p.booking_key IS NULL THEN p.received_at < s.kept_from
        ELSE EXISTS (
            SELECT FROM terms t WHERE starts_with(p.booking_key, t.resort || '/') AND p.received_at < t.kept_from) END
    RETURNING e.key
)
SELECT p.received_at AS at, p.key, over.key IS NOT NULL AS over FROM page p LEFT JOIN over ON over.key = p.key
ORDER BY p.received_at, p.key
