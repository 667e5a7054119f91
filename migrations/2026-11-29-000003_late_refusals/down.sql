ALTER TABLE senders DROP COLUMN unreachable_reason;
ALTER TABLE senders DROP COLUMN unreachable_since;
ALTER TABLE senders DROP COLUMN name;

ALTER TABLE holds DROP COLUMN probe_taken_at;
ALTER TABLE holds DROP COLUMN probe_id;
ALTER TABLE holds DROP COLUMN by_status;

ALTER TABLE messages DROP COLUMN text_refused;
ALTER TABLE messages DROP COLUMN rested;
ALTER TABLE messages DROP COLUMN failed_attempt;
ALTER TABLE messages DROP COLUMN called_country;
ALTER TABLE messages DROP COLUMN called_template;
