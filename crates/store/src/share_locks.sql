-- Shares the locks of what arrives, in the one order (see lock.rs): for everything, of resorts ($1, and those of the messages
-- $2), of numbers ($3). The locks are taken row by row in the order of the inner query.
SELECT pg_advisory_xact_lock_shared(key) FROM (
    SELECT DISTINCT class, key FROM (
        SELECT 0 AS class, x'6572617375726573'::bigint AS key
        UNION ALL
        SELECT 1, hashtextextended('erasure at resort ' || resort, 0) FROM (
            SELECT resort FROM unnest($1) AS n(resort)
            UNION ALL
            SELECT split_part(booking_key, '/', 1) FROM messages WHERE id = ANY($2)) AS resorts(resort)
        UNION ALL
        SELECT 2, hashtextextended('erasure of number ' || encode(hash, 'hex'), 0) FROM unnest($3) AS n(hash)) AS named
    ORDER BY class, key) AS ordered
