-- The next page of raw events that are old enough to be looked at, the oldest first; those whose time is over are emptied.
-- $1 resorts, $2 from when on each keeps its raw events, $3 and $4 where the page begins, $5 its length.
WITH terms AS (
    SELECT * FROM unnest($1, $2) AS t(resort, kept_from)
), shortest AS (
    SELECT max(kept_from) AS kept_from FROM terms
), page AS MATERIALIZED (
    SELECT e.key, e.received_at, e.booking_key FROM events e
    WHERE e.sealed_body IS NOT NULL AND e.received_at < (SELECT kept_from FROM shortest)
      AND (e.received_at, e.key) > ($3, $4 COLLATE "C")
    ORDER BY e.received_at, e.key LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED
), over AS (
    UPDATE events e SET sealed_body = NULL FROM page p
    WHERE e.key = p.key AND (p.booking_key IS NULL OR EXISTS (
        SELECT FROM terms t WHERE starts_with(p.booking_key, t.resort || '/') AND p.received_at < t.kept_from))
    RETURNING e.key
)
SELECT p.received_at AS at, p.key, over.key IS NOT NULL AS over FROM page p LEFT JOIN over ON over.key = p.key
ORDER BY p.received_at, p.key
