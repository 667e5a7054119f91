ALTER TABLE messages DROP COLUMN died_at;
DROP TABLE letters;
