-- The rule by which a claim recognises that a reservation makes a cart superfluous: the same as `is_superfluous` in
-- domain/src/plan/cart.rs, which a test compares. A stay covers at least its arrival day, a missing day is any day, and a
-- stay that was over before the guest was last active on the cart says nothing of it.
CREATE FUNCTION cart_is_superfluous(
    cart_from date, cart_until date, stay_from date, stay_until date, seen_on date
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN daterange(cart_from, CASE WHEN cart_until <= cart_from THEN cart_from + 1 ELSE cart_until END)
    && daterange(stay_from, CASE WHEN stay_until <= stay_from THEN stay_from + 1 ELSE stay_until END)
    AND (stay_until IS NULL OR seen_on IS NULL OR greatest(stay_from, stay_until) >= seen_on);

-- Queued messages that a sender was handed and could not prepare, and what it could not read: `resort_file`, `booking`. As
-- soon as a sender can read it, the message is handed out again.
CREATE TABLE unprepared (
    message_id uuid PRIMARY KEY REFERENCES messages (id),
    resort     text NOT NULL,
    lacks      text NOT NULL
);
CREATE INDEX unprepared_by_resort ON unprepared (resort, message_id);

-- Planned last by a process that could not read its resort's file: it is woken as soon as one can.
ALTER TABLE bookings ADD COLUMN without_resort boolean NOT NULL DEFAULT false;

-- The tries that `begun` counts: one that is noted twice, since its first commit had no answer, counts once.
ALTER TABLE suspects ADD COLUMN attempts uuid[] NOT NULL DEFAULT '{}';
