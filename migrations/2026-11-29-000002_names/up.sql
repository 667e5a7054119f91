-- The names by which WhatsApp knows a guest beside the number that we call: keyed hashes, each kind with a prefix of its
-- own before hashing. They are learnt from answers and reports of our own messages, and from what matched guests write.
CREATE TABLE guest_names (
    name_hash  bytea NOT NULL,
    phone_hash bytea NOT NULL,                       -- of the number that we called
    kind       text NOT NULL,                        -- user, whatsapp_number
    learnt_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name_hash, phone_hash)              -- one name may belong to two spellings of one number
);
CREATE INDEX guest_names_by_phone ON guest_names (phone_hash);

-- Everything by which the guest of a phone hash is known besides: their names, and other numbers with the same name.
CREATE VIEW known_as AS
    SELECT phone_hash, name_hash AS hash FROM guest_names
    UNION ALL
    SELECT n.phone_hash, o.phone_hash AS hash FROM guest_names n JOIN guest_names o USING (name_hash)
    WHERE o.phone_hash <> n.phone_hash;

-- What guests said to a business number, under every name of the writer: it holds at each resort that sends from the
-- number, and waits for guests who are not known yet.
CREATE TABLE number_wishes (
    hash         bytea NOT NULL,
    number       text NOT NULL,                      -- WhatsApp's id of the business number
    opted_out_at timestamptz,
    opted_in_at  timestamptz,
    PRIMARY KEY (hash, number)
);

-- Which number was called last, so that a reply is matched to it, and the newest message to a guest is found.
ALTER TABLE messages ADD COLUMN called_to bytea;

-- Every name of the guest whom an event without a booking is about; phone_hash is only one of them.
ALTER TABLE events ADD COLUMN name_hashes bytea[];
ALTER TABLE letters ADD COLUMN name_hashes bytea[];
