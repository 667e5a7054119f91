-- $1: how many at most.
SELECT g.resort, b.id AS booking, g.replied_at FROM guests g
LEFT JOIN LATERAL (
    SELECT id FROM bookings WHERE phone_hash = g.phone_hash AND resort = g.resort
    ORDER BY created_at DESC LIMIT 1) b ON true
WHERE g.replied_at IS NOT NULL AND (g.resumed_at IS NULL OR g.resumed_at < g.replied_at)
  AND (b.id IS NOT NULL OR NOT EXISTS (
      SELECT FROM guests o JOIN bookings ob ON ob.phone_hash = o.phone_hash AND ob.resort = o.resort
      WHERE o.phone_hash = g.phone_hash AND o.replied_at IS NOT NULL))
ORDER BY g.replied_at LIMIT $1
