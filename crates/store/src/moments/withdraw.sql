-- $1: how many bookings at once. A definition that was only changed has a successor, whose planning wakes every booking.
WITH job AS (
    SELECT resort, name, definition FROM moments m
    WHERE removed_at < clock_timestamp() - interval '30 seconds' AND planned_at < clock_timestamp() - interval '1 second'
    ORDER BY removed_at LIMIT 1 FOR UPDATE SKIP LOCKED
), unsent AS MATERIALIZED (
    SELECT DISTINCT m.booking_key AS key FROM job
    JOIN messages m ON m.kind = job.name AND m.state IN ('queued', 'held')
     AND m.booking_key > job.resort || '/' AND m.booking_key < job.resort || '0'
    WHERE NOT EXISTS (
        SELECT FROM moments o WHERE o.resort = job.resort AND o.name = job.name AND o.removed_at IS NULL)
    LIMIT $1
), due AS MATERIALIZED (
    SELECT key FROM bookings WHERE key IN (SELECT key FROM unsent) ORDER BY key FOR NO KEY UPDATE
), woken AS (
    UPDATE bookings b SET wake_at = least(b.wake_at, clock_timestamp()) FROM due WHERE b.key = due.key RETURNING b.key
), waits AS (
    UPDATE moments m SET planned_at = clock_timestamp() FROM job
    WHERE m.resort = job.resort AND m.name = job.name AND m.definition = job.definition AND EXISTS (SELECT FROM due)
), gone AS (
    DELETE FROM moments m USING job
    WHERE m.resort = job.resort AND m.name = job.name AND m.definition = job.definition AND NOT EXISTS (SELECT FROM due)
)
SELECT resort, name, true AS is_removed, (SELECT count(*) FROM woken) AS bookings, NOT EXISTS (SELECT FROM due) AS is_done
FROM job
