-- Claims the webhook of a resort ($1) that has been due longest; it is due again after $2 seconds, should its process end.
UPDATE webhooks_out w SET due_at = clock_timestamp() + make_interval(secs => $2), attempts = w.attempts + 1
FROM (
    SELECT id FROM webhooks_out WHERE resort = $1 AND due_at <= statement_timestamp()
    ORDER BY due_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
) AS due WHERE w.id = due.id
RETURNING w.id, w.resort, w.event, w.booking_key, w.phone_hash, w.details::text AS details, w.occurred_at, w.attempts, w.failures
