ALTER TABLE letters DROP COLUMN name_hashes;
ALTER TABLE events DROP COLUMN name_hashes;
ALTER TABLE messages DROP COLUMN called_to;
DROP TABLE number_wishes;
DROP VIEW known_as;
DROP TABLE guest_names;
