-- Messages of unknown outcome whose silence counts, and what is known around each call. Takes no lock.
-- A neighbour that WhatsApp reported on before its answer came was answered as well.
SELECT m.id, m.booking_key, m.attempts, m.claimed_at, clock_timestamp() AS now,
       m.silent_attempt IS NOT NULL AS queued_before,
       n.answered, n.reported,
       EXISTS (
           SELECT 1 FROM messages p
           WHERE p.called_from = m.called_from AND p.template = m.template AND p.paced
             AND p.claimed_at > m.claimed_at - make_interval(secs => $6)) AS template_paced,
       (SELECT until FROM heard) AS heard_until
FROM messages m
CROSS JOIN LATERAL (
    SELECT count(*) AS answered, count(o.delivery) AS reported FROM messages o
    WHERE o.called_from = m.called_from AND o.id <> m.id AND o.whatsapp_hash IS NOT NULL
      AND o.claimed_at > m.claimed_at AND o.claimed_at <= m.claimed_at + make_interval(secs => $5)) n
WHERE m.state = 'unknown' AND m.claimed_at < clock_timestamp() - make_interval(secs => $1)
  AND (m.claimed_at, m.id) > ($2, $3)
ORDER BY m.claimed_at, m.id
LIMIT $4
