-- A guest's bookings, by key ($1) or by their numbers' keyed hashes ($2) at one resort or all ($3), and what belongs to them:
-- the carts that became them, and the reservations that they became. A booking that was never planned, since its resort's
-- file could not be read, has no hash: its events do.
WITH RECURSIVE family(key) AS (
    SELECT b.key FROM bookings b
    WHERE b.key = $1 OR (b.phone_hash = ANY($2) AND ($3 IS NULL OR b.resort = $3))
    UNION
    SELECT b.key FROM events e JOIN bookings b ON b.key = e.booking_key
    WHERE e.phone_hash = ANY($2) AND e.sealed_body IS NOT NULL
      AND b.phone_hash IS NULL AND b.tells_of_guest AND ($3 IS NULL OR b.resort = $3)
    -- Both ways, from cart to reservation and back. UNION drops what was found before, so the recursion ends.
    UNION
    SELECT n.key FROM family f CROSS JOIN LATERAL (
        SELECT c.key FROM bookings c WHERE c.became_key = f.key
        UNION ALL
        SELECT c.became_key FROM bookings c WHERE c.key = f.key AND c.became_key IS NOT NULL) n
)
SELECT b.resort, b.id, b.phone_hash FROM bookings b JOIN family f ON f.key = b.key
