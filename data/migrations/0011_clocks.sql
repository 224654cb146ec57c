-- Clocks that are off: measured by when their records arrive. A clock without a row is right as far as is known.

-- one row per process, or host where no process is named, whose clock was found to be off
create table clock (
    clock varchar not null,            -- service.instance.id, else host.name: as in unit_signal and failure
    host varchar,
    source varchar not null,           -- source of its records
    lag_us bigint not null,            -- arrival minus event time, the smallest of the last minutes: below zero, it is fast
    arrivals bigint not null,          -- requests that it was measured by
    first_at timestamp not null,       -- when it was found to be off
    measured_at timestamp not null,    -- when the row was last written
    right_since timestamp,             -- when it was found to be right again; null: it is off now
);
