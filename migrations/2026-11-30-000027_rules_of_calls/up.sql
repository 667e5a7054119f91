-- By which rules a message was claimed, so that a call that broke one can be counted later, whatever the resort's file says by then.
-- Columns without a default: no row is rewritten. Null in calls of older programs, which are not judged by them.
ALTER TABLE messages
    ADD COLUMN called_as_reminder  boolean,
    ADD COLUMN called_as_marketing boolean,
    ADD COLUMN called_quiet_from   time,      -- the quiet hours that it had to keep, by the resort's clocks
    ADD COLUMN called_quiet_to     time,
    ADD COLUMN called_day_cap      integer,   -- how many messages of the day its guest could get; null: it does not count
    ADD COLUMN called_hold_out     integer;   -- the share of guests who got no reminders, in millionths; of reminders

-- When we knew of a stop, which is later than when the guest wrote it. A repetition of a stop changes nothing.
ALTER TABLE guests ADD COLUMN opt_out_known_at timestamptz;
ALTER TABLE number_wishes ADD COLUMN opt_out_known_at timestamptz;

CREATE FUNCTION note_opt_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.opted_out_at >= coalesce(OLD.opted_in_at, '-infinity') THEN
        NEW.opt_out_known_at := OLD.opt_out_known_at;
    ELSE
        NEW.opt_out_known_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER note_opt_out BEFORE INSERT OR UPDATE OF opted_out_at ON guests FOR EACH ROW
    WHEN (NEW.opted_out_at >= coalesce(NEW.opted_in_at, '-infinity')) EXECUTE FUNCTION note_opt_out();
CREATE TRIGGER note_opt_out BEFORE INSERT OR UPDATE OF opted_out_at ON number_wishes FOR EACH ROW
    WHEN (NEW.opted_out_at >= coalesce(NEW.opted_in_at, '-infinity')) EXECUTE FUNCTION note_opt_out();
