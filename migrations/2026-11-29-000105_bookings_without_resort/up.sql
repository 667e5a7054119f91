CREATE INDEX CONCURRENTLY IF NOT EXISTS bookings_without_resort ON bookings (resort) WHERE without_resort;
