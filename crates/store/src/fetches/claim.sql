-- Claims the fetch of a source ($1) that has been due longest, if the source may be asked now. It may be asked again after $2
-- seconds; the claimed fetch is due again after $3 seconds, should its process end.
-- Another process that claims for the source has its turn locked, and two of one turn would be too fast.
WITH turn AS (
    SELECT source FROM fetch_turns WHERE source = $1 AND next_at <= clock_timestamp() FOR NO KEY UPDATE SKIP LOCKED
), due AS (
    SELECT key FROM fetches WHERE source = $1 AND due_at <= statement_timestamp() AND EXISTS (SELECT FROM turn)
    ORDER BY due_at, key LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE fetch_turns SET next_at = clock_timestamp() + make_interval(secs => $2)
    WHERE source IN (SELECT source FROM turn) AND EXISTS (SELECT FROM due)
)
UPDATE fetches f SET due_at = clock_timestamp() + make_interval(secs => $3), attempts = f.attempts + 1
FROM due, events e WHERE f.key = due.key AND e.key = f.key
RETURNING f.key, f.source, e.booking_key, e.received_at, e.request_id, e.traceparent, e.sealed_body, f.attempts, f.failures, f.refusals,
    coalesce(clock_timestamp() - f.first_failed_at >= make_interval(secs => $4), false) AS is_over
