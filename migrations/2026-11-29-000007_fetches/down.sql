DROP TABLE fetch_turns;
DROP TABLE fetches;
