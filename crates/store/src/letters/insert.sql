-- Keeps each letter once, also one of an event that was given up again before a person saw it. A message's letter whose
-- row has moved on since that death is settled from birth: only a report of WhatsApp's can have done that, since a person
-- decides upon letters that are here already. The rows are locked against a report that comes at this very moment: it is
-- either seen here, or it sees the letter.
-- Where the guest was erased after the event was accepted, or the message made, the letter is closed from birth and an
-- event's body is not kept. A stop that matched no guest has one open letter for each writer, and none that is open where a
-- guest has one of the writer's names by now. That of a webhook out is sealed anew each time: its id alone tells it.
WITH found AS (
    SELECT kind, amqp_id, reason, error, attempts, died_at, subject, resort, booking, message_id, body, phone_hash,
        received_at, names::bytea[] AS name_hashes
    FROM {rows}
), standing AS (
    SELECT m.id, b.resort, b.id AS booking, m.state, m.died_at, coalesce(m.delivery, m.state) AS became, m.created_at
    FROM messages m JOIN bookings b ON b.key = m.booking_key
    WHERE m.id IN (SELECT message_id FROM found) ORDER BY m.id FOR SHARE OF m
), judged AS (
    SELECT n.*, row_number() OVER (PARTITION BY n.kind, n.amqp_id,
            CASE WHEN n.reason <> 'webhook_failed' THEN sha256(n.body) END ORDER BY n.died_at) AS copy,
        s.resort AS its_resort, s.booking AS its_booking, s.became,
        s.id IS NOT NULL AND (s.state <> 'dead' OR s.died_at <> n.died_at) IS TRUE AS moved_on,
        EXISTS (
            SELECT FROM erased_bookings e
            WHERE e.key = coalesce(s.resort, n.resort) || '/' || coalesce(s.booking, n.booking)
              AND e.erased_at >= coalesce(s.created_at, n.received_at)
            UNION ALL
            SELECT FROM erased_guests e
            WHERE (e.phone_hash = n.phone_hash OR e.phone_hash = ANY(n.name_hashes)) AND e.erased_at >= n.received_at
              AND (e.place IN ('', n.resort) OR (e.place = '/' AND n.booking IS NULL))) AS erased,
        n.reason = 'unmatched_stop' AND (
            EXISTS (SELECT FROM guest_names g WHERE g.name_hash = ANY(n.name_hashes))
            OR EXISTS (SELECT FROM bookings b WHERE b.phone_hash = ANY(n.name_hashes))) AS matched
    FROM found n LEFT JOIN standing s ON s.id = n.message_id
)
INSERT INTO letters (kind, amqp_id, reason, error, attempts, died_at, dated, subject, resort, booking, message_id, body,
    digest, phone_hash, received_at, name_hashes, state, settled_as, closed_by, closed_at)
SELECT kind, amqp_id, reason, error, attempts, coalesce(died_at, now()), died_at IS NOT NULL, subject,
    coalesce(its_resort, resort), coalesce(its_booking, booking), message_id,
    CASE WHEN erased AND kind = 'events' THEN NULL ELSE body END,
    CASE WHEN erased AND kind = 'events' THEN sha256(body) END, phone_hash, received_at, name_hashes,
    CASE WHEN moved_on OR matched THEN 'settled' WHEN erased THEN 'closed' ELSE 'open' END,
    CASE WHEN matched THEN 'matched' WHEN moved_on AND became IN ('sent', 'failed', 'delivered', 'read') THEN became END,
    CASE WHEN moved_on OR matched THEN 'whatsapp' WHEN erased THEN 'erasure' END,
    CASE WHEN moved_on OR matched OR erased THEN now() END
FROM judged n
-- A processor that dies between the letter and the acknowledgement gives the same event up again: one letter will do.
WHERE n.kind <> 'events' OR n.copy = 1 AND NOT EXISTS (
    SELECT FROM letters l
    WHERE l.kind = n.kind AND l.state = 'open' AND l.amqp_id = n.amqp_id AND coalesce(l.digest, sha256(l.body)) = sha256(n.body)
    UNION ALL
    SELECT FROM letters l
    WHERE n.reason = 'webhook_failed' AND l.kind = n.kind AND l.state = 'open' AND l.amqp_id = n.amqp_id
    UNION ALL
    SELECT FROM letters l
    WHERE n.reason = 'unmatched_stop' AND l.reason = 'unmatched_stop' AND l.state = 'open' AND l.name_hashes && n.name_hashes)
ORDER BY kind, amqp_id, died_at
ON CONFLICT DO NOTHING
