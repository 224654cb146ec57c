-- What an amount of one currency is worth in another, and in which currency money is reported.

-- one row per rate that was set; append-only, the latest of a currency, its counterpart and its date counts
create table currency_rate (
    currency varchar not null,         -- one of this
    against varchar not null,
    rate double not null,              -- is worth so much of that
    valid_from date not null,          -- from the beginning of this day, UTC, until the next one
    actor varchar not null,
    set_at timestamp not null,
);

-- one row per choice; append-only, the latest counts
create table reporting_currency (
    currency varchar,                  -- null: none, money stays in its currencies
    actor varchar not null,
    set_at timestamp not null,
);
