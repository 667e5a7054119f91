-- The consents of the guests of some phone hashes ($1), under each name by which they are known, and since when a reply of
-- theirs waits for staff.
WITH known AS (
    SELECT hash AS phone, hash FROM unnest($1) AS p(hash)
    UNION ALL
    SELECT phone_hash, hash FROM known_as WHERE phone_hash = ANY($1))
SELECT k.phone, g.resort AS place, false AS is_number, g.opted_out_at, g.opted_in_at,
    CASE WHEN g.resumed_at IS NULL OR g.resumed_at < g.replied_at THEN g.replied_at END AS replied_at
FROM known k JOIN guests g ON g.phone_hash = k.hash
UNION ALL
SELECT k.phone, w.number, true, w.opted_out_at, w.opted_in_at, NULL
FROM known k JOIN number_wishes w ON w.hash = k.hash
