-- Everything without an end that should have one by now, and every end without a reason.
-- $1 margin, $2 a message's turn, $3 the longest call, $4 the longest doubt, $5 a retried event's way, all in seconds;
-- $6 resorts with a file, $7 the states of messages, $8 whether the dead queues were emptied, $9 how many at most.
WITH moment AS (
    SELECT clock_timestamp() AS now
), found AS (
    SELECT CASE
            -- No relay hands it out; or it is handed out, and no sender claims it.
            -- What came late was due before it was born.
            WHEN m.state = 'queued' AND (m.publish_at IS NULL
                OR greatest(m.publish_at, m.updated_at) < now - make_interval(secs => $1)
                OR greatest(m.due_at, m.created_at) < now - make_interval(secs => $2)) THEN 'queued_too_long'
            WHEN m.state = 'sending' AND (m.claimed_at < now - make_interval(secs => $3)) IS NOT FALSE THEN 'sending_too_long'
            WHEN m.state = 'unknown' AND (m.claimed_at < now - make_interval(secs => $4)) IS NOT FALSE THEN 'unknown_too_long'
            WHEN m.state = 'held' AND greatest(m.expires_at, m.updated_at) < now - make_interval(secs => $1)
                THEN 'held_too_long'
            WHEN m.state = 'held' AND m.held_by IS NOT NULL AND m.updated_at < now - make_interval(secs => $1)
                AND NOT EXISTS (SELECT FROM holds h WHERE h.key = m.held_by) THEN 'held_by_nothing'
            WHEN m.state = 'dead' AND m.letter_due AND m.updated_at < now - make_interval(secs => $1)
                THEN 'letter_unpublished'
            WHEN m.state = 'dead' AND NOT m.letter_due AND $8 AND m.updated_at < now - make_interval(secs => $1)
                -- A letter of an earlier failure asks no person about this one.
                AND NOT EXISTS (SELECT FROM letters l WHERE l.message_id = m.id AND (l.died_at = m.died_at OR NOT l.dated))
                THEN 'letter_missing'
            WHEN m.state <> ALL($7) OR (m.reason IS NULL AND m.state IN ('withdrawn', 'expired', 'skipped', 'dead', 'held'))
                THEN 'end_unexplained'
        END AS trouble,
        m.id::text AS subject, m.booking_key AS booking, concat_ws(' ', m.kind, m.state, m.reason) AS detail,
        CASE m.state WHEN 'queued' THEN m.due_at WHEN 'sending' THEN m.claimed_at WHEN 'unknown' THEN m.claimed_at
            ELSE m.updated_at END AS since
    FROM messages m, moment
    UNION ALL
    SELECT 'letter_outlived', l.id::text, m.booking_key, concat_ws(' ', m.kind, m.state), l.drained_at
    FROM letters l JOIN messages m ON m.id = l.message_id, moment
    WHERE l.state = 'open' AND m.state <> 'dead' AND m.updated_at < now - make_interval(secs => $1)
    UNION ALL
    SELECT 'retried_event_missing', l.id::text, NULL, l.amqp_id, l.closed_at
    FROM letters l, moment
    WHERE l.kind = 'events' AND l.state = 'retried' AND l.closed_at < now - make_interval(secs => $5)
      AND NOT EXISTS (SELECT FROM events e WHERE e.key = l.amqp_id)
      AND NOT EXISTS (SELECT FROM letters n WHERE n.kind = 'events' AND n.amqp_id = l.amqp_id AND n.id > l.id)
    UNION ALL
    SELECT 'wake_up_overdue', b.key, b.key, b.status, b.wake_at
    FROM bookings b, moment WHERE b.wake_at < now - make_interval(secs => $1)
    UNION ALL
    SELECT 'fetch_overdue', f.key, e.booking_key, 'source ' || f.source, f.due_at
    FROM fetches f LEFT JOIN events e ON e.key = f.key, moment WHERE f.due_at < now - make_interval(secs => $1)
    UNION ALL
    SELECT 'resort_missing', b.resort, NULL, count(*) || ' bookings', min(b.updated_at)
    FROM bookings b WHERE b.resort <> ALL($6) AND b.wake_at IS NOT NULL GROUP BY b.resort
    UNION ALL
    SELECT 'guests_without_term', b.resort, NULL, count(*) || ' bookings', min(b.created_at)
    FROM bookings b WHERE b.resort <> ALL($6) AND b.tells_of_guest AND b.wake_at IS NULL GROUP BY b.resort
    UNION ALL
    SELECT 'end_unexplained', e.key, e.booking_key, concat_ws(' ', e.event_type, e.outcome), e.applied_at
    FROM events e WHERE e.outcome NOT IN ('applied', 'ignored')
)
SELECT trouble, subject, booking, detail, since FROM found WHERE trouble IS NOT NULL
ORDER BY trouble, since, subject
LIMIT $9
