-- Business numbers from which WhatsApp accepted messages and of which it has reported nothing since. Takes no lock.
-- Each number costs a few hundred rows of its index at most, however many messages there are.
WITH RECURSIVE numbers(number) AS (
    (SELECT called_from FROM messages WHERE claimed_at IS NOT NULL AND called_from IS NOT NULL
     ORDER BY called_from LIMIT 1)
    UNION ALL
    SELECT (SELECT m.called_from FROM messages m WHERE m.claimed_at IS NOT NULL AND m.called_from > n.number
            ORDER BY m.called_from LIMIT 1)
    FROM numbers n WHERE n.number IS NOT NULL)
SELECT n.number, waiting.claimed_at AS waiting_since
FROM numbers n
-- The newest call that should have been reported by now. While reports are missing, the first row is one.
CROSS JOIN LATERAL (
    SELECT old.claimed_at FROM (
        SELECT m.claimed_at, m.state, m.delivery, m.paced FROM messages m
        WHERE m.called_from = n.number AND m.claimed_at IS NOT NULL
          AND m.claimed_at < clock_timestamp() - make_interval(secs => $1)
          AND m.claimed_at > clock_timestamp() - make_interval(secs => $2)
        ORDER BY m.claimed_at DESC LIMIT 100) old
    WHERE old.state = 'sent' AND old.delivery IS NULL AND NOT old.paced
    ORDER BY old.claimed_at DESC LIMIT 1) waiting
WHERE n.number IS NOT NULL
  -- No call after it was reported,
  AND NOT EXISTS (
    SELECT 1 FROM (
        SELECT m.delivery_at FROM messages m
        WHERE m.called_from = n.number AND m.claimed_at IS NOT NULL AND m.claimed_at > waiting.claimed_at
        ORDER BY m.claimed_at LIMIT 100) later
    WHERE later.delivery_at > waiting.claimed_at)
  -- nor an earlier one since.
  AND NOT EXISTS (
    SELECT 1 FROM (
        SELECT m.delivery_at FROM messages m
        WHERE m.called_from = n.number AND m.claimed_at IS NOT NULL AND m.claimed_at < waiting.claimed_at
        ORDER BY m.claimed_at DESC LIMIT 100) earlier
    WHERE earlier.delivery_at > waiting.claimed_at)
