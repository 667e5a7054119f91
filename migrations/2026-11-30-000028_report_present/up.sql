-- A resort's months that are not final yet, as they were last counted, so that the desk's page need not count them for each look.
CREATE TABLE report_present (
    resort     text COLLATE "C" NOT NULL,
    month      date NOT NULL,                          -- its first day
    figures    jsonb NOT NULL,
    counted_at timestamptz NOT NULL,
    PRIMARY KEY (resort, month)
);
