-- Which other senders a sender counts when it takes its share of a number's rate: a sender that joins sends nothing until
-- all others count it. Null: a sender of an older version. Expands only.
ALTER TABLE senders ADD COLUMN knows uuid[];
