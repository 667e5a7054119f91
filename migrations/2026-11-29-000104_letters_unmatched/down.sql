DROP INDEX letters_unmatched;
