-- The next page of bookings that tell of a guest and are old enough to be looked at, and whether the guest's time is over: no
-- event, and no day of a stay, of any of their bookings at the resort since.
-- $1 resorts, $2 from when on each keeps guests, $3 and $4 where the page begins, $5 its length, $6 only this booking.
WITH terms AS (
    SELECT * FROM unnest($1, $2) AS t(resort, kept_from)
), page AS MATERIALIZED (
    SELECT b.key, b.resort, b.phone_hash, b.became_key, b.created_at FROM bookings b
    WHERE b.tells_of_guest AND b.created_at < (SELECT max(kept_from) FROM terms)
      AND (b.created_at, b.key) > ($3, $4 COLLATE "C") AND ($6 IS NULL OR b.key = $6)
    ORDER BY b.created_at, b.key LIMIT $5
)
SELECT p.created_at AS at, p.key, t.kept_from IS NOT NULL AND NOT EXISTS (
    SELECT FROM (
        SELECT o.key, o.check_in, o.check_out FROM bookings o WHERE o.key IN (p.key, p.became_key)
        UNION ALL
        SELECT o.key, o.check_in, o.check_out FROM bookings o WHERE o.became_key = p.key
        UNION ALL
        SELECT o.key, o.check_in, o.check_out FROM bookings o WHERE o.phone_hash = p.phone_hash AND o.resort = p.resort) o
    WHERE greatest(o.check_out, o.check_in) >= (t.kept_from AT TIME ZONE 'UTC')::date
       OR EXISTS (SELECT FROM events e WHERE e.booking_key = o.key AND e.received_at >= t.kept_from)) AS over
FROM page p LEFT JOIN terms t ON t.resort = p.resort
ORDER BY p.created_at, p.key
