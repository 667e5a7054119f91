-- $1: how many at most; $2: at which resorts, NULL: at all.
SELECT w.resort, b.id AS booking, w.replied_at, w.since, w.assignee, w.snoozed_until FROM waiting_guests w
LEFT JOIN LATERAL (
    SELECT id FROM bookings WHERE phone_hash = w.phone_hash AND resort = w.resort
    ORDER BY created_at DESC LIMIT 1) b ON true
WHERE ($2::text[] IS NULL OR w.resort = ANY($2)) AND (b.id IS NOT NULL OR NOT EXISTS (
    SELECT FROM guests o JOIN bookings ob ON ob.phone_hash = o.phone_hash AND ob.resort = o.resort
    WHERE o.phone_hash = w.phone_hash AND o.replied_at IS NOT NULL))
ORDER BY w.snoozed_until IS NOT NULL, w.since, w.resort LIMIT $1
