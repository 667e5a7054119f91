DROP INDEX events_by_name;
