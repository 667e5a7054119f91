-- How far the events were heard: all that `sender` may know of them. A view reads with its owner's rights.
CREATE VIEW heard AS
    SELECT received_at AS until FROM events WHERE sealed_body IS NOT NULL ORDER BY received_at DESC LIMIT 1;
