DROP INDEX bookings_without_resort;
