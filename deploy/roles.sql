-- A role for each program that uses Postgres, so that one that is taken over can do no more than its own work.
-- Once, as a superuser:
--
--     psql -f deploy/roles.sql
--     \password bellhop_processor    and so on, for each
--
-- Then `desk migrate`, as the owner of the database, grants them what they need (deploy/grants.sql) and does so again
-- with each new version. ingest has no role: it knows no Postgres.
CREATE ROLE bellhop_processor LOGIN;
CREATE ROLE bellhop_sender LOGIN;
CREATE ROLE bellhop_desk LOGIN;
-- The programs recognise a deadlock and a lock timeout by Postgres's English messages.
ALTER ROLE bellhop_processor SET lc_messages = 'C';
ALTER ROLE bellhop_sender SET lc_messages = 'C';
ALTER ROLE bellhop_desk SET lc_messages = 'C';
