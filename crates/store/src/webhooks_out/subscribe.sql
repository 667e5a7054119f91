-- Brings the subscriptions of the resorts whose files this process can read ($1) to what the files say: rows of resort ($2) and
-- event ($3). A resort without a file ($4 has all that have one) has none.
WITH wanted AS (
    SELECT resort, event FROM unnest($2, $3) AS w(resort, event)
), gone AS (
    DELETE FROM webhook_subscriptions s WHERE (s.resort = ANY($1) OR s.resort <> ALL($4))
        AND NOT EXISTS (SELECT FROM wanted w WHERE w.resort = s.resort AND w.event = s.event)
)
INSERT INTO webhook_subscriptions (resort, event)
SELECT w.resort, w.event FROM wanted w
WHERE NOT EXISTS (SELECT FROM webhook_subscriptions s WHERE s.resort = w.resort AND s.event = w.event)
ON CONFLICT DO NOTHING
