-- What became of everything.
SELECT 'events' AS of, outcome AS state, count(*) AS count FROM events GROUP BY outcome
UNION ALL
SELECT CASE kind WHEN 'events' THEN 'event_letters' ELSE 'message_letters' END, state, count(*) FROM letters GROUP BY kind, state
UNION ALL
SELECT 'messages', state, count(*) FROM messages GROUP BY state
UNION ALL
SELECT 'bookings', status, count(*) FROM bookings GROUP BY status
ORDER BY of, state
