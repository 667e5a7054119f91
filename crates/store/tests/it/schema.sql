-- The tables of the schema `public` in the words of diesel's `table!`, as the text that `diesel print-schema` writes.
WITH tables AS (
    SELECT oid, relname AS name FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> '__diesel_schema_migrations'
),
columns AS (
    SELECT tables.name AS in_table, attnum, attname,
           CASE WHEN attnotnull THEN type ELSE format('Nullable<%s>', type) END AS type
    FROM tables
    JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
    JOIN pg_type whole ON whole.oid = atttypid
    LEFT JOIN pg_type element ON element.oid = whole.typelem AND whole.typcategory = 'A'
    CROSS JOIN LATERAL (
        SELECT CASE WHEN element.oid IS NULL THEN initcap(whole.typname)
                    ELSE format('Array<Nullable<%s>>', initcap(element.typname)) END AS type
    ) named
),
keys AS (
    SELECT tables.name AS in_table, string_agg(attname, ', ' ORDER BY position) AS names
    FROM tables
    JOIN pg_index ON indrelid = tables.oid AND indisprimary
    CROSS JOIN LATERAL unnest(indkey) WITH ORDINALITY AS part (attnum, position)
    JOIN pg_attribute ON attrelid = tables.oid AND pg_attribute.attnum = part.attnum
    GROUP BY tables.name
),
blocks AS (
    SELECT format(E'diesel::table! {\n    %s (%s) {\n%s\n    }\n}\n\n', in_table, names,
                  (SELECT string_agg(format('        %s -> %s,', attname, type), E'\n' ORDER BY attnum)
                   FROM columns WHERE columns.in_table = keys.in_table)) AS text, in_table
    FROM keys
),
joins AS (
    SELECT format('diesel::joinable!(%s -> %s (%s));', child.name, parent.name, attname) AS text, child.name
    FROM pg_constraint
    JOIN tables child ON child.oid = conrelid
    JOIN tables parent ON parent.oid = confrelid
    JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    WHERE contype = 'f'
)
SELECT concat(
    (SELECT string_agg(text, '' ORDER BY in_table) FROM blocks),
    (SELECT string_agg(text, E'\n' ORDER BY name) FROM joins),
    (SELECT E'\n\ndiesel::allow_tables_to_appear_in_same_query!(\n' || string_agg(format('    %s,', name), E'\n' ORDER BY name) || E'\n);\n'
     FROM tables)
) AS text
