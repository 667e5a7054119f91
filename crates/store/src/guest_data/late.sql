-- Which arrivals, counted from 1, speak of a guest who was erased after they were accepted, and up to when that was.
-- $1 bookings, $2 resorts, $3 messages reported on, $4 times of acceptance; $5 and $6 every hash that an arrival names, after
-- the arrival's number.
WITH names AS (
    SELECT * FROM unnest($5, $6) AS n(number, hash)
)
SELECT a.number, max(e.erased_at) AS erased_at
FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS a(booking, resort, message_id, received_at, number)
CROSS JOIN LATERAL (
    SELECT erased_at FROM erased_bookings WHERE key = a.booking AND erased_at >= a.received_at
    UNION ALL
    SELECT g.erased_at FROM names n JOIN erased_guests g ON g.phone_hash = n.hash
    WHERE n.number = a.number AND g.erased_at >= a.received_at
      AND (g.place IN ('', a.resort) OR (g.place = '/' AND a.booking IS NULL))
    UNION ALL
    SELECT b.erased_at FROM messages m JOIN erased_bookings b ON b.key = m.booking_key
    WHERE m.id = a.message_id AND m.created_at <= b.erased_at) e
GROUP BY a.number
