-- Letters of bookings ($1 resorts, $2 ids) and of events that name a number ($3), accepted or dead up to $4 (null: whenever).
-- An event's letter loses its body and is known by its digest; a message's body is an id. No person can do anything about one
-- that is open.
UPDATE letters SET
    digest = CASE WHEN kind = 'events' THEN coalesce(sha256(body), digest) ELSE digest END,
    body = CASE WHEN kind = 'events' THEN NULL ELSE body END,
    note = NULL,
    closed_by = CASE state WHEN 'open' THEN 'erasure' ELSE closed_by END,
    closed_at = CASE state WHEN 'open' THEN now() ELSE closed_at END,
    state = CASE state WHEN 'open' THEN 'closed' ELSE state END
WHERE id = ANY(ARRAY(
    SELECT l.id FROM letters l
    WHERE l.id IN (
        SELECT o.id FROM letters o JOIN unnest($1, $2) AS b(resort, id) ON o.booking = b.id AND o.resort = b.resort
        UNION
        SELECT o.id FROM letters o WHERE o.phone_hash = ANY($3)
        UNION
        SELECT o.id FROM letters o WHERE o.name_hashes && $3)
      AND ($4 IS NULL OR coalesce(l.received_at, l.died_at) <= $4)
      AND (l.kind = 'events' AND l.body IS NOT NULL OR l.note IS NOT NULL OR l.state = 'open')
    ORDER BY l.id FOR NO KEY UPDATE))
