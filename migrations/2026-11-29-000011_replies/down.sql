ALTER TABLE guests DROP COLUMN resumed_at;
ALTER TABLE guests DROP COLUMN replied_at;
