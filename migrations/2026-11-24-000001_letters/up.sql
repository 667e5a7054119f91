-- Dead letters, as the desk found them in dead.events and dead.messages.
CREATE TABLE letters (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL,                      -- events, messages
    amqp_id      text NOT NULL,                      -- its id in RabbitMQ
    reason       text NOT NULL,
    error        text NOT NULL,
    attempts     integer NOT NULL,
    died_at      timestamptz NOT NULL,
    dated        boolean NOT NULL,                   -- false: nobody said when it died, died_at is when it was found
    subject      text NOT NULL,                      -- an event's type or a message's kind; empty: not known
    resort       text,
    booking      text,
    message_id   uuid,                               -- the row that died; no reference: it may be erased
    body         bytea NOT NULL,                     -- as it lay in the queue
    state        text NOT NULL,                      -- open, retried, settled, closed
    settled_as   text,                               -- sent, not_sent; what WhatsApp said: sent, failed, delivered, read
    closed_by    text,                               -- who ended it: a person's name, or whatsapp
    closed_at    timestamptz,
    note         text,
    drained_at   timestamptz NOT NULL DEFAULT now()
);
-- A letter that was committed but not acknowledged comes again.
CREATE UNIQUE INDEX letters_once ON letters (kind, amqp_id, sha256(body), died_at) WHERE dated;
CREATE UNIQUE INDEX letters_once_undated ON letters (kind, amqp_id, sha256(body)) WHERE NOT dated AND state = 'open';
CREATE INDEX letters_open ON letters (id) WHERE state = 'open';
CREATE INDEX letters_of_message ON letters (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX letters_of_booking ON letters (booking, resort) WHERE booking IS NOT NULL;

-- Tells one death of a message from the next; other changes of a dead row leave it alone.
ALTER TABLE messages ADD COLUMN died_at timestamptz;
UPDATE messages SET died_at = updated_at WHERE state = 'dead';
ALTER TABLE messages ADD CONSTRAINT letters_are_dated CHECK (NOT letter_due OR died_at IS NOT NULL);
