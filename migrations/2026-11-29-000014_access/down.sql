DROP TABLE staff_sessions;
DROP TABLE staff_links;
ALTER TABLE staff DROP COLUMN resorts;
ALTER TABLE staff DROP COLUMN role;
