-- The calls of one resort's month that broke a rule, one row for each rule. $1 where the ids of messages begin that can have been called
-- in it, $2 the resort, $3 and $4 from when to when, $5 its time zone, $6 how many seconds may lie between the beginning of a transaction
-- and its taking of the messages' locks: `applied_at` is when it began.
SELECT k.breach, m.id, m.booking_key, m.kind, m.claimed_at
FROM (
    -- With how many of the day's messages its guest had got by then from the number, itself included: of all resorts.
    SELECT c.*, count(*) FILTER (WHERE c.called_day_cap IS NOT NULL AND c.state NOT IN ('withdrawn', 'expired', 'skipped')) OVER (
        PARTITION BY c.called_to, c.called_from ORDER BY c.claimed_at
        RANGE BETWEEN interval '23:59:59' PRECEDING AND CURRENT ROW) AS of_day
    FROM messages c WHERE c.id > $1 AND c.claimed_at >= $3 - interval '1 day' AND c.claimed_at < $4) m
JOIN bookings b ON b.key = m.booking_key
CROSS JOIN LATERAL (VALUES
    -- Of a reservation that the cart became, only where nothing was heard since: then it was linked to the cart before.
    -- What was never more than a cart needs no look at its events.
    ('after_confirmation', m.called_as_reminder AND (b.status NOT IN ('started', 'abandoned') AND EXISTS (
        SELECT FROM events e WHERE e.booking_key = m.booking_key AND e.event_type = 'reservation_confirmed' AND e.outcome = 'applied'
          AND e.applied_at < m.claimed_at - make_interval(secs => $6))
        OR b.became_key IS NOT NULL AND EXISTS (
            SELECT FROM events e WHERE e.booking_key = b.became_key AND e.event_type = 'reservation_confirmed' AND e.outcome = 'applied')
        AND NOT EXISTS (
            SELECT FROM events e WHERE e.booking_key = b.became_key AND e.applied_at >= m.claimed_at - make_interval(secs => $6)))),
    -- It is cancelled now, and was already if nothing that decides it came since.
    ('after_cancellation', b.status = 'cancelled' AND m.kind NOT IN ('stop_confirmation', 'staff_answer') AND EXISTS (
        SELECT FROM events e WHERE e.booking_key = m.booking_key AND e.event_type = 'reservation_cancelled' AND e.outcome = 'applied')
        AND NOT EXISTS (
            SELECT FROM events e WHERE e.booking_key = m.booking_key AND e.outcome = 'applied'
              AND e.applied_at >= m.claimed_at - make_interval(secs => $6))),
    -- A start that came later says nothing about then, so a guest who has started again does not count.
    ('opted_out', m.called_as_marketing AND EXISTS (
        SELECT FROM (
            SELECT g.opted_out_at, g.opt_out_known_at FROM guests g WHERE g.phone_hash = m.called_to AND g.resort = b.resort
            UNION ALL
            SELECT n.opted_out_at, n.opt_out_known_at FROM number_wishes n WHERE n.hash = m.called_to AND n.number = m.called_from) o
        WHERE o.opt_out_known_at < m.claimed_at - make_interval(secs => $6) AND o.opted_out_at >= coalesce((
            SELECT max(s.opted_in_at) FROM (
                SELECT m.called_to AS hash UNION ALL SELECT a.hash FROM known_as a WHERE a.phone_hash = m.called_to) k
            CROSS JOIN LATERAL (
                SELECT g.opted_in_at FROM guests g WHERE g.phone_hash = k.hash AND g.resort = b.resort
                UNION ALL
                SELECT n.opted_in_at FROM number_wishes n WHERE n.hash = k.hash AND n.number = m.called_from) s), '-infinity'))),
    -- Some seconds to both sides: the clock moves on within a claim, and a sender's may be a little fast.
    ('quiet_hours', m.called_quiet_from <> m.called_quiet_to AND (
        SELECT bool_and(CASE WHEN m.called_quiet_from < m.called_quiet_to THEN t.at >= m.called_quiet_from AND t.at < m.called_quiet_to
            ELSE t.at >= m.called_quiet_from OR t.at < m.called_quiet_to END)
        FROM (VALUES (interval '-5 seconds'), (interval '5 seconds')) AS s(shift)
        CROSS JOIN LATERAL (SELECT ((m.claimed_at + s.shift) AT TIME ZONE $5)::time) AS t(at))),
    ('over_cap', m.called_to IS NOT NULL AND m.state NOT IN ('withdrawn', 'expired', 'skipped') AND m.of_day > m.called_day_cap),
    -- A greater share holds out all guests of a smaller one. What was tried before is not held out any more.
    ('held_out', m.called_as_reminder AND m.attempts = 1 AND m.called_hold_out > 0 AND EXISTS (
        SELECT FROM bookings o JOIN messages h ON h.booking_key = o.key
        WHERE o.phone_hash = m.called_to AND o.resort = b.resort AND h.reason = 'held_out' AND h.state = 'skipped'
          AND h.called_hold_out <= m.called_hold_out AND h.updated_at < m.claimed_at
          -- Then it is still the number that was held out.
          AND NOT EXISTS (SELECT FROM events e WHERE e.booking_key = o.key AND e.applied_at > h.updated_at))),
    ('twice', m.sent_at < m.claimed_at - interval '1 second' AND m.failed_attempt IS NULL
        OR m.round > 0 AND m.kind NOT IN ('stop_confirmation', 'staff_answer') AND EXISTS (
            SELECT FROM messages o WHERE o.booking_key = m.booking_key AND o.kind = m.kind AND o.round < m.round
              AND o.state IN ('sent', 'delivered', 'read'))
        AND NOT EXISTS (
            SELECT FROM events e WHERE e.booking_key = m.booking_key AND e.event_type = 'reservation_cancelled' AND e.outcome = 'applied')),
    -- What was to be tried again has a later time than its call.
    ('too_early', m.claimed_at < m.due_at - interval '1 second' AND m.state IN ('sending', 'unknown', 'sent', 'delivered', 'read')
        AND m.attempts = 1 AND m.silent_attempt IS NULL AND m.failed_attempt IS NULL),
    ('too_late', m.claimed_at > m.expires_at + interval '1 second' AND m.state IN ('sending', 'unknown', 'sent', 'delivered', 'read'))
) AS k(breach, is_broken)
WHERE m.claimed_at >= $3 AND b.resort = $2 AND k.is_broken
