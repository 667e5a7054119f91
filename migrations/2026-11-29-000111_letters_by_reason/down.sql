DROP INDEX letters_by_reason;
