DROP INDEX letters_by_event;
