DROP INDEX guests_by_answer;
