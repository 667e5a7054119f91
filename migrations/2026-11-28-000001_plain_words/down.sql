-- Words that were taken away do not come back.
SELECT 1;
