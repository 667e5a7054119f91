ALTER TABLE suspects DROP COLUMN attempts;
ALTER TABLE bookings DROP COLUMN without_resort;
DROP TABLE unprepared;
DROP FUNCTION cart_is_superfluous(date, date, date, date, date);
