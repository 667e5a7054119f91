-- Notes on bookings ($1 resorts, $2 ids), on numbers ($3), and on letters of either.
DELETE FROM notes WHERE key IN (
    SELECT a.note_key FROM audit a JOIN unnest($1, $2) AS b(resort, id) ON a.booking = b.id AND a.resort = b.resort
    WHERE a.action <> 'guest_erased'
    UNION
    SELECT a.note_key FROM audit a WHERE a.phone_hash = ANY($3) AND a.action <> 'guest_erased'
    UNION
    SELECT l.note_key FROM letters l JOIN unnest($1, $2) AS b(resort, id) ON l.booking = b.id AND l.resort = b.resort
    UNION
    SELECT l.note_key FROM letters l WHERE l.phone_hash = ANY($3) OR l.name_hashes && $3)
