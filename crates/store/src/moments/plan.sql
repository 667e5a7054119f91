-- $1: how many bookings at once. A transaction that read before the moment was noted may commit seconds later, so the first
-- step waits.
WITH job AS (
    SELECT resort, name, definition, planned_to FROM moments
    WHERE NOT is_planned AND removed_at IS NULL AND since < clock_timestamp() - interval '10 seconds'
      AND planned_at < clock_timestamp() - interval '1 second'
    ORDER BY since LIMIT 1 FOR UPDATE SKIP LOCKED
), due AS MATERIALIZED (
    -- Keys are <resort>/<booking>, and '0' follows '/'.
    SELECT b.key FROM job
    CROSS JOIN LATERAL (
        SELECT key FROM bookings
        WHERE key > greatest(job.planned_to, job.resort || '/') AND key < job.resort || '0'
        ORDER BY key LIMIT $1 FOR NO KEY UPDATE) b
), woken AS (
    UPDATE bookings b SET wake_at = least(b.wake_at, clock_timestamp()) FROM due WHERE b.key = due.key RETURNING b.key
), done AS (
    UPDATE moments m SET
        planned_to = coalesce((SELECT max(key) FROM due), m.planned_to),
        planned_at = clock_timestamp(),
        is_planned = (SELECT count(*) FROM due) < $1
    FROM job WHERE m.resort = job.resort AND m.name = job.name AND m.definition = job.definition
    RETURNING m.resort, m.name, m.is_planned
)
SELECT resort, name, false AS is_removed, (SELECT count(*) FROM woken) AS bookings, is_planned AS is_done FROM done
