DROP INDEX messages_by_guest;
