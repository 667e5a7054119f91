-- Letters of events whose time is over, at most $4 at once: an ended one with its raw event, an open one with its guest.
-- $1 resorts, $2 from when on each keeps its raw events, $3 its guests.
-- A letter without a known resort is kept for the shortest time.
WITH terms AS (
    SELECT * FROM unnest($1, $2, $3) AS t(resort, events_from, guests_from)
    UNION ALL
    SELECT NULL, max(events_from), max(guests_from) FROM unnest($1, $2, $3) AS t(resort, events_from, guests_from)
), page AS MATERIALIZED (
    SELECT l.id FROM letters l
    WHERE l.body IS NOT NULL AND l.kind = 'events' AND EXISTS (
        SELECT FROM terms t WHERE t.resort IS NOT DISTINCT FROM l.resort
          AND coalesce(l.received_at, l.died_at) < CASE l.state WHEN 'open' THEN t.guests_from ELSE t.events_from END)
    ORDER BY l.id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE letters l SET digest = sha256(l.body), body = NULL, note = NULL,
    closed_by = CASE l.state WHEN 'open' THEN 'erasure' ELSE l.closed_by END,
    closed_at = CASE l.state WHEN 'open' THEN now() ELSE l.closed_at END,
    state = CASE l.state WHEN 'open' THEN 'closed' ELSE l.state END
FROM page WHERE l.id = page.id
