-- A resort's month once it is final: sums only, which outlive erasure and retention. A month that has a row is not computed again.
CREATE TABLE report_months (
    resort    text COLLATE "C" NOT NULL,
    month     date NOT NULL,                          -- its first day
    figures   jsonb NOT NULL,
    frozen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (resort, month)
);
