DROP INDEX guests_unanswered;
