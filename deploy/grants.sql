-- What each program may do in Postgres: granted by `desk migrate`, where deploy/roles.sql has made the roles. Only
-- the owner changes the schema or truncates.
-- Every role is also PUBLIC, which a database from before Postgres 15 lets create tables.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, bellhop_processor, bellhop_sender, bellhop_desk;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, bellhop_processor, bellhop_sender, bellhop_desk;
GRANT USAGE ON SCHEMA public TO bellhop_processor, bellhop_sender, bellhop_desk;
GRANT SELECT ON __diesel_schema_migrations TO bellhop_processor, bellhop_sender, bellhop_desk;

-- processor: applies events and plans.
GRANT SELECT, INSERT, UPDATE ON events, bookings, guests, number_wishes, conversations, messages TO bellhop_processor;
-- Learns how WhatsApp names guests, and forgets it with them.
GRANT SELECT, INSERT, DELETE ON guest_names TO bellhop_processor;
GRANT SELECT ON known_as TO bellhop_processor;
GRANT SELECT, INSERT, UPDATE, DELETE ON holds, suspects TO bellhop_processor;
-- What platforms are still to be asked for, and how fast.
GRANT SELECT, INSERT, UPDATE, DELETE ON fetches TO bellhop_processor;
GRANT SELECT, INSERT, UPDATE ON fetch_turns TO bellhop_processor;
-- What resorts' own tools are told: triggers write most of it. Alerts of all programs.
GRANT SELECT, INSERT, DELETE ON webhook_subscriptions TO bellhop_processor;
GRANT SELECT, INSERT, UPDATE, DELETE ON raised_alerts TO bellhop_processor;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhooks_out TO bellhop_processor;
-- Since when the files have each moment.
GRANT SELECT, INSERT, UPDATE, DELETE ON moments TO bellhop_processor;
-- Which templates WhatsApp has made marketing.
GRANT SELECT, INSERT, UPDATE ON template_categories TO bellhop_processor;
-- Forgets after a day, and with the guest, who was reminded.
GRANT SELECT, UPDATE, DELETE ON reminded TO bellhop_processor;
-- The figures of the whole, for the desk's first page.
GRANT SELECT, INSERT, UPDATE ON overview TO bellhop_processor;
-- A month of the report becomes final once.
GRANT SELECT, INSERT ON report_months TO bellhop_processor;
-- Until then each count replaces the one before.
GRANT SELECT, INSERT, UPDATE, DELETE ON report_present TO bellhop_processor;
-- What sources were answered, for a day.
GRANT SELECT, INSERT, DELETE ON source_reports TO bellhop_processor;
-- A report of WhatsApp settles the letter of its message; what was held long enough is emptied.
GRANT SELECT, UPDATE ON letters TO bellhop_processor;
-- What staff answered guests, until its time is over; who waits for an answer.
GRANT SELECT (message_id, booking_key, written_at), DELETE ON answers TO bellhop_processor;
GRANT SELECT ON waiting_guests TO bellhop_processor;
-- Strips what arrives of guests who were erased, and erases those whose time is over.
GRANT SELECT, INSERT, UPDATE ON erased_bookings, erased_guests TO bellhop_processor;
GRANT DELETE ON conversations, notes TO bellhop_processor;
GRANT SELECT (key) ON notes TO bellhop_processor;
GRANT SELECT (resort, booking, phone_hash, action, note_key) ON audit TO bellhop_processor;

-- sender: claims messages, records what came of them, and plans what follows. Of events it knows only how far they
-- were heard.
GRANT SELECT, INSERT, UPDATE ON messages TO bellhop_sender;
GRANT SELECT, UPDATE ON bookings, letters TO bellhop_sender;
-- Who refuses marketing at WhatsApp has opted out.
GRANT SELECT, INSERT, UPDATE ON guests, number_wishes TO bellhop_sender;
-- WhatsApp's answer says how it names the guest.
GRANT SELECT, INSERT ON guest_names TO bellhop_sender;
GRANT SELECT ON known_as TO bellhop_sender;
GRANT SELECT ON conversations, heard, moments, template_categories TO bellhop_sender;
-- Its alerts.
GRANT SELECT, INSERT, UPDATE ON raised_alerts TO bellhop_sender;
-- What staff answer guests.
GRANT SELECT ON answers TO bellhop_sender;
-- Who was reminded today.
GRANT SELECT, INSERT, UPDATE ON reminded TO bellhop_sender;
GRANT SELECT, INSERT, UPDATE, DELETE ON holds, senders, unprepared TO bellhop_sender;

-- desk: looks at everything; decides about letters, messages and holds; re-encrypts; knows the staff.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO bellhop_desk;
GRANT INSERT, UPDATE ON letters, messages TO bellhop_desk;
-- Who looks at a letter; actions over many letters.
GRANT INSERT, UPDATE, DELETE ON letter_views TO bellhop_desk;
GRANT INSERT, UPDATE ON letter_jobs TO bellhop_desk;
GRANT INSERT, UPDATE, DELETE ON holds TO bellhop_desk;
GRANT UPDATE ON bookings TO bellhop_desk;
GRANT UPDATE (sealed_body, phone_hash) ON events TO bellhop_desk;
-- A guest wants no more messages, or to be forgotten.
GRANT INSERT, UPDATE ON guests, number_wishes, erased_bookings, erased_guests TO bellhop_desk;
GRANT DELETE ON conversations, guest_names, notes TO bellhop_desk;
GRANT UPDATE, DELETE ON reminded TO bellhop_desk;
GRANT INSERT, UPDATE ON staff TO bellhop_desk;
GRANT INSERT, UPDATE (sealed_answer), DELETE ON answers TO bellhop_desk;
-- Sends a webhook again whose dead letter is retried; forgets those about an erased guest.
GRANT INSERT, DELETE ON webhooks_out TO bellhop_desk;
GRANT INSERT, UPDATE ON raised_alerts TO bellhop_desk;
-- Browsers are signed in and out.
GRANT INSERT, DELETE ON staff_links TO bellhop_desk;
GRANT INSERT, UPDATE (seen_at), DELETE ON staff_sessions TO bellhop_desk;
GRANT INSERT, UPDATE (sealed_note) ON notes TO bellhop_desk;
-- The audit trail is only ever added to; when, and under which number, is the database's to say.
GRANT INSERT (actor, action, resort, booking, letter, phone_hash, details, note_key) ON audit TO bellhop_desk;
