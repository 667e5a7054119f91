DROP TRIGGER note_opt_out ON number_wishes;
DROP TRIGGER note_opt_out ON guests;
DROP FUNCTION note_opt_out();
ALTER TABLE number_wishes DROP COLUMN opt_out_known_at;
ALTER TABLE guests DROP COLUMN opt_out_known_at;
ALTER TABLE messages
    DROP COLUMN called_as_reminder,
    DROP COLUMN called_as_marketing,
    DROP COLUMN called_quiet_from,
    DROP COLUMN called_quiet_to,
    DROP COLUMN called_day_cap,
    DROP COLUMN called_hold_out;
