DROP INDEX letters_by_age;
