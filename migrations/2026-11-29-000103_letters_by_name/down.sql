DROP INDEX letters_by_name;
