-- $1, $2, $3: resort, name and definition of each moment; $4: the resorts whose files can be read.
WITH defined AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS d (resort, name, definition)
), missing AS (
    UPDATE moments m SET removed_at = clock_timestamp(), planned_at = clock_timestamp()
    WHERE m.removed_at IS NULL AND m.resort = ANY($4) AND NOT EXISTS (
        SELECT FROM defined d WHERE d.resort = m.resort AND d.name = m.name AND d.definition = m.definition)
)
INSERT INTO moments (resort, name, definition)
SELECT d.resort, d.name, d.definition FROM defined d
WHERE NOT EXISTS (
    SELECT FROM moments m
    WHERE m.resort = d.resort AND m.name = d.name AND m.definition = d.definition AND m.removed_at IS NULL)
-- A mark that is younger than the time in which every processor reads its files again was made by one that was late.
ON CONFLICT (resort, name, definition) DO UPDATE SET
    removed_at = NULL,
    since = CASE WHEN moments.removed_at < clock_timestamp() - interval '30 seconds'
        THEN clock_timestamp() ELSE moments.since END,
    is_planned = moments.is_planned AND moments.removed_at >= clock_timestamp() - interval '30 seconds',
    planned_to = CASE WHEN moments.removed_at < clock_timestamp() - interval '30 seconds'
        THEN '' ELSE moments.planned_to END
WHERE moments.removed_at IS NOT NULL
