-- What WhatsApp charges for a message, by the statuses of its last call. Columns without a default: no row is rewritten.
ALTER TABLE messages
    ADD COLUMN pricing_category text,    -- marketing, utility, service, … as WhatsApp writes it
    ADD COLUMN pricing_type text,        -- regular, free_customer_service, free_entry_point
    ADD COLUMN billable boolean;
-- The category that WhatsApp last gave a template. Only templates of which it has reported a change.
CREATE TABLE template_categories (
    template text NOT NULL,              -- name/language
    account  text NOT NULL,              -- the business account; empty where the report names none
    category text NOT NULL,              -- MARKETING, UTILITY, AUTHENTICATION
    since    timestamptz NOT NULL,       -- by WhatsApp's clock
    PRIMARY KEY (template, account)
);
