-- A page of one resort's first reminders whose carts were abandoned in a month, with what came of them. Read by the id, which grows with
-- the time of creation: a message is created after its cart was abandoned, so the month's first instant is where to begin. That
-- needs no index of its own.
SELECT m.id, b.key, b.phone_hash, m.basis_at, m.state, m.reason, m.claimed_at IS NOT NULL AS went,
    -- Subqueries, since a join may be planned as a look at all guests of the resort for each cart.
    EXISTS (
        SELECT 1 FROM guests g
        WHERE g.phone_hash = b.phone_hash AND g.resort = b.resort AND g.replied_at >= m.claimed_at) AS answered,
    EXISTS (
        SELECT 1 FROM guests g
        WHERE g.phone_hash = b.phone_hash AND g.resort = b.resort AND g.opted_out_at >= m.claimed_at) OR EXISTS (
        SELECT 1 FROM number_wishes n
        WHERE n.hash = b.phone_hash AND n.number = m.called_from AND n.opted_out_at >= m.claimed_at) AS stopped,
    ARRAY(
        SELECT e.key FROM (
            SELECT b.key AS key UNION SELECT b.became_key
            UNION SELECT o.key FROM bookings o WHERE o.phone_hash = b.phone_hash AND o.resort = b.resort) own
        JOIN bookings e ON e.key = own.key
        WHERE e.stands AND e.confirmed_at >= m.basis_at AND e.confirmed_at < m.basis_at + make_interval(secs => $6)
    ) AS reservations
FROM messages m
JOIN bookings b ON b.key = m.booking_key
WHERE m.id > $1 AND m.kind = 'reminder_1' AND b.resort = $2 AND m.basis_at >= $3 AND m.basis_at < $4
ORDER BY m.id LIMIT $5
