-- What people wrote before notes were sealed lies in plain, where nobody reads it and no erasure would find it all.
UPDATE letters SET note = NULL WHERE note IS NOT NULL;
UPDATE holds SET reason = '' WHERE by_whom IS NOT NULL AND reason <> '';
