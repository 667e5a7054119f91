-- The figures of the whole, unless they are younger than $1 seconds. Every part reads an index that is as long as its answer, or as
-- what happened within a day: never all bookings or messages.
INSERT INTO overview (id, figures, made_at)
SELECT 1, jsonb_build_object(
    'letters', (SELECT coalesce(jsonb_agg(f), '[]') FROM (
        SELECT resort, reason AS name, count(*) AS count, min(died_at) AS oldest
        FROM letters WHERE state = 'open' GROUP BY resort, reason) f),
    'waiting', (SELECT coalesce(jsonb_agg(f), '[]') FROM (
        SELECT resort, '' AS name, count(*) AS count, min(replied_at) AS oldest
        FROM guests WHERE replied_at IS NOT NULL AND (resumed_at IS NULL OR resumed_at < replied_at) GROUP BY resort) f),
    'due', (SELECT coalesce(jsonb_agg(f), '[]') FROM (
        SELECT split_part(booking_key, '/', 1) AS resort, state AS name, count(*) AS count, min(due_at) AS oldest
        FROM (
            SELECT booking_key, state, due_at FROM messages WHERE state = 'held'
            UNION ALL
            -- A relay puts the ids that it hands out off for less than an hour.
            SELECT booking_key, state, due_at FROM messages
            WHERE publish_at IS NOT NULL AND publish_at < now() + interval '1 hour' AND state = 'queued') waiting
        WHERE due_at <= now() GROUP BY 1, 2) f),
    'messages', (
        WITH RECURSIVE numbers AS (
            (SELECT called_from FROM messages WHERE claimed_at IS NOT NULL ORDER BY called_from LIMIT 1)
            UNION ALL
            SELECT (SELECT m.called_from FROM messages m WHERE m.claimed_at IS NOT NULL AND m.called_from > n.called_from
                    ORDER BY m.called_from LIMIT 1)
            FROM numbers n WHERE n.called_from IS NOT NULL)
        SELECT coalesce(jsonb_agg(f), '[]') FROM (
            SELECT split_part(m.booking_key, '/', 1) AS resort, coalesce(m.delivery, m.state) AS name, count(*) AS count,
                min(m.claimed_at) AS oldest
            FROM numbers n JOIN messages m ON m.called_from = n.called_from
            WHERE m.claimed_at > now() - interval '1 day' GROUP BY 1, 2) f),
    'sources', (SELECT coalesce(jsonb_agg(f), '[]') FROM (
        SELECT source, max(reported_at) AS at FROM source_reports GROUP BY source) f)),
    clock_timestamp()
WHERE NOT EXISTS (SELECT FROM overview WHERE made_at > clock_timestamp() - $1 * interval '1 second')
ON CONFLICT (id) DO UPDATE SET figures = excluded.figures, made_at = excluded.made_at
