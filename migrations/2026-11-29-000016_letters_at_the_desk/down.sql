DROP TABLE overview;
DROP TABLE letter_jobs;
DROP TABLE letter_views;
ALTER TABLE letters DROP COLUMN assigned_at;
ALTER TABLE letters DROP COLUMN assigned_to;
