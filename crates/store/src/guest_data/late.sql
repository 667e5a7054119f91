-- Which arrivals, counted from 1, speak of a guest who was erased after they were accepted, and up to when that was.
-- Of each arrival: $1 booking, $2 message reported on, $3 time of acceptance. Of each hash that an arrival names: $4 the hash,
-- and of its arrival $5 number, $6 resort, $7 whether it names a booking, $8 time of acceptance.
SELECT number, max(erased_at) AS erased_at FROM (
    SELECT a.number, b.erased_at
    FROM unnest($1, $3) WITH ORDINALITY AS a(booking, received_at, number)
    JOIN erased_bookings b ON b.key = a.booking AND b.erased_at >= a.received_at
    UNION ALL
    SELECT n.number, g.erased_at
    FROM unnest($4, $5, $6, $7, $8) AS n(hash, number, resort, has_booking, received_at)
    JOIN erased_guests g ON g.phone_hash = n.hash AND g.erased_at >= n.received_at
      AND (g.place IN ('', n.resort) OR (g.place = '/' AND NOT n.has_booking))
    UNION ALL
    SELECT a.number, b.erased_at
    FROM unnest($2) WITH ORDINALITY AS a(message_id, number)
    JOIN messages m ON m.id = a.message_id
    JOIN erased_bookings b ON b.key = m.booking_key AND b.erased_at >= m.created_at) AS late
GROUP BY number
