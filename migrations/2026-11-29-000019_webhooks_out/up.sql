-- What each resort's own tools are told of, as [webhook_out] of its file says.
CREATE TABLE webhook_subscriptions (
    resort text COLLATE "C" NOT NULL,
    event  text COLLATE "C" NOT NULL,                  -- not_delivered, opted_out, answered, dead_letter, alert
    PRIMARY KEY (resort, event)
);

-- What they are still to be told: a row is deleted once they know it. Nothing identifies a guest but a keyed hash.
CREATE TABLE webhooks_out (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(), -- the header `webhook-id`
    resort      text COLLATE "C" NOT NULL,
    event       text COLLATE "C" NOT NULL,
    booking_key text COLLATE "C",
    phone_hash  bytea,                                 -- of the guest whom it is about, where it names no booking
    details     jsonb NOT NULL,                        -- what the body says beside them
    occurred_at timestamptz NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts    integer NOT NULL DEFAULT 0,            -- calls begun; fences results
    failures    integer NOT NULL DEFAULT 0,
    last_error  text                                   -- why the last attempt failed
);
CREATE INDEX webhooks_out_due ON webhooks_out (resort, due_at);
CREATE INDEX webhooks_out_of_guest ON webhooks_out (phone_hash) WHERE phone_hash IS NOT NULL;

-- The rows are written here, in the transaction of what happened, so that no program can forget one. The functions have their
-- owner's rights: no program may write rows by itself. The conditions of the triggers are checked before a function is called,
-- and those on `messages` are false for every step of a message that goes.
CREATE FUNCTION tell_of_message() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.webhooks_out (resort, event, booking_key, details, occurred_at)
    SELECT s.resort, s.event, NEW.booking_key, jsonb_strip_nulls(jsonb_build_object('message', NEW.id, 'kind', NEW.kind,
        'state', NEW.state, 'reason', NEW.reason, 'code', NEW.error_code)), clock_timestamp()
    FROM public.webhook_subscriptions s
    WHERE s.resort = split_part(NEW.booking_key, '/', 1) AND s.event = 'not_delivered';
    RETURN NULL;
END $$;

CREATE FUNCTION tell_of_guest() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.webhooks_out (resort, event, phone_hash, details, occurred_at)
    SELECT s.resort, s.event, NEW.phone_hash, '{}', CASE s.event WHEN 'opted_out' THEN NEW.opted_out_at ELSE NEW.replied_at END
    FROM public.webhook_subscriptions s WHERE s.resort = NEW.resort AND s.event = TG_ARGV[0];
    RETURN NULL;
END $$;

CREATE FUNCTION tell_of_letter() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.webhooks_out (resort, event, booking_key, details, occurred_at)
    SELECT s.resort, s.event, NEW.resort || '/' || NEW.booking, jsonb_strip_nulls(jsonb_build_object('letter', NEW.id,
        'kind', NEW.kind, 'subject', NEW.subject, 'reason', NEW.reason, 'attempts', NEW.attempts, 'message', NEW.message_id)),
        NEW.died_at
    FROM public.webhook_subscriptions s WHERE s.resort = NEW.resort AND s.event = 'dead_letter';
    RETURN NULL;
END $$;

-- As owners' rights ask for: nobody attaches the functions to a table of their own.
REVOKE EXECUTE ON FUNCTION tell_of_message(), tell_of_guest(), tell_of_letter() FROM PUBLIC;

-- The reasons for which a message is skipped although its guest could use it: `domain::webhook_out::UNREACHED`.
CREATE TRIGGER tell_when_not_delivered AFTER UPDATE OF state ON messages FOR EACH ROW
    WHEN (NEW.state IN ('dead', 'expired', 'skipped') AND NEW.state <> OLD.state AND NEW.kind <> 'stop_confirmation'
        AND (NEW.state <> 'skipped' OR NEW.reason IN ('no_phone', 'invalid_phone', 'us_marketing', 'missing_value', 'expired',
            'marketing_limit', 'window_closed')))
    EXECUTE FUNCTION tell_of_message();
CREATE TRIGGER tell_when_never_deliverable AFTER INSERT ON messages FOR EACH ROW
    WHEN (NEW.state IN ('expired', 'skipped') AND NEW.kind <> 'stop_confirmation'
        AND (NEW.state <> 'skipped' OR NEW.reason IN ('no_phone', 'invalid_phone', 'us_marketing', 'missing_value', 'expired',
            'marketing_limit', 'window_closed')))
    EXECUTE FUNCTION tell_of_message();

-- A guest who opts out again says nothing new, and neither does a stop that is copied to another number of its guest later on.
CREATE TRIGGER tell_when_opted_out AFTER UPDATE OF opted_out_at ON guests FOR EACH ROW
    WHEN (NEW.opted_out_at >= coalesce(NEW.opted_in_at, '-infinity') AND NEW.opted_out_at > now() - interval '7 days'
        AND NEW.opted_out_at IS DISTINCT FROM OLD.opted_out_at
        AND (OLD.opted_out_at IS NULL OR OLD.opted_out_at < OLD.opted_in_at))
    EXECUTE FUNCTION tell_of_guest('opted_out');
CREATE TRIGGER tell_when_first_opted_out AFTER INSERT ON guests FOR EACH ROW
    WHEN (NEW.opted_out_at >= coalesce(NEW.opted_in_at, '-infinity') AND NEW.opted_out_at > now() - interval '7 days')
    EXECUTE FUNCTION tell_of_guest('opted_out');

-- Once for what waits: a guest who writes on while nobody has answered is not told again.
CREATE TRIGGER tell_when_answered AFTER UPDATE OF replied_at ON guests FOR EACH ROW
    WHEN (NEW.replied_at > coalesce(OLD.replied_at, '-infinity') AND NEW.waits_since IS DISTINCT FROM OLD.waits_since)
    EXECUTE FUNCTION tell_of_guest('answered');
CREATE TRIGGER tell_when_first_answered AFTER INSERT ON guests FOR EACH ROW
    WHEN (NEW.replied_at IS NOT NULL)
    EXECUTE FUNCTION tell_of_guest('answered');

-- The dead letter of a webhook out tells nobody: its receiver is what fails.
CREATE TRIGGER tell_of_dead_letter AFTER INSERT ON letters FOR EACH ROW
    WHEN (NEW.state = 'open' AND NEW.resort IS NOT NULL AND NEW.reason <> 'webhook_failed')
    EXECUTE FUNCTION tell_of_letter();
