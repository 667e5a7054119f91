DROP INDEX guests_waiting;
