DROP TABLE messages;
DROP TABLE conversations;
DROP TABLE guests;
DROP TABLE bookings;
DROP TABLE events;
