-- Which arrivals, counted from 1, speak of a guest who was erased after they were accepted, and up to when that was.
-- $1 bookings, $2 resorts, $3 numbers' hashes, $4 messages reported on, $5 times of acceptance.
SELECT a.number, max(e.erased_at) AS erased_at
FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS a(booking, resort, phone_hash, message_id, received_at, number)
CROSS JOIN LATERAL (
    SELECT erased_at FROM erased_bookings WHERE key = a.booking AND erased_at >= a.received_at
    UNION ALL
    SELECT erased_at FROM erased_guests
    WHERE phone_hash = a.phone_hash AND erased_at >= a.received_at
      AND (place IN ('', a.resort) OR (place = '/' AND a.booking IS NULL))
    UNION ALL
    SELECT b.erased_at FROM messages m JOIN erased_bookings b ON b.key = m.booking_key
    WHERE m.id = a.message_id AND m.created_at <= b.erased_at) e
GROUP BY a.number
