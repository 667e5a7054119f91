-- When a guest last wrote something that staff should answer, and when staff let the guest's reminders go again.
ALTER TABLE guests ADD COLUMN replied_at timestamptz;
ALTER TABLE guests ADD COLUMN resumed_at timestamptz;
