DROP INDEX letters_by_resort;
