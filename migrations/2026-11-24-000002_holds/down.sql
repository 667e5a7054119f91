DROP TABLE senders;
ALTER TABLE messages DROP COLUMN held_by;
DROP TABLE holds;
