ALTER TABLE holds   DROP COLUMN note_key;
ALTER TABLE letters DROP COLUMN note_key;
DROP TABLE audit;
DROP FUNCTION refuse_to_change_the_audit_trail();
DROP TABLE notes;
DROP TABLE staff;
