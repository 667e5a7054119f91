DROP TABLE reminded;
ALTER TABLE bookings DROP COLUMN confirmed_at;
