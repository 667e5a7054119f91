DROP INDEX messages_paced;
