DROP INDEX letters_open_by_age;
