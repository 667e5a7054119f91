-- When a guest last wrote something that staff should answer, and when staff let the guest's reminders go again.
ALTER TABLE guests ADD COLUMN replied_at timestamptz;
ALTER TABLE guests ADD COLUMN resumed_at timestamptz;
CREATE INDEX guests_waiting ON guests (replied_at) WHERE replied_at IS NOT NULL AND (resumed_at IS NULL OR resumed_at < replied_at);
