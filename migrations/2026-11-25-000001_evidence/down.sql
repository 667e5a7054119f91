DROP TABLE suspects;
DROP INDEX messages_by_call;
ALTER TABLE messages DROP COLUMN called_from, DROP COLUMN paced, DROP COLUMN silent_attempt;
