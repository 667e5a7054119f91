-- A guest's bookings, by key ($1) or by the number's keyed hash ($2) at one resort or all ($3), and what belongs to them:
-- the carts that became them, and the reservations that they became.
WITH RECURSIVE family(key) AS (
    SELECT b.key FROM bookings b
    WHERE b.key = $1 OR (b.phone_hash = $2 AND ($3 IS NULL OR b.resort = $3))
    UNION
    SELECT n.key FROM family f CROSS JOIN LATERAL (
        SELECT c.key FROM bookings c WHERE c.became_key = f.key
        UNION ALL
        SELECT c.became_key FROM bookings c WHERE c.key = f.key AND c.became_key IS NOT NULL) n
)
SELECT b.resort, b.id, b.phone_hash FROM bookings b JOIN family f ON f.key = b.key
