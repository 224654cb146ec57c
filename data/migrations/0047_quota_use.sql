-- How much of what a sender and a tenant may bring in a day is used up, and what was refused over it.

-- one row per day (UTC), kind (sender, tenant) and name
create table quota_use (
    day date not null,
    kind varchar not null,
    name varchar not null,
    records bigint not null,
    bytes bigint not null,
    refused_requests bigint not null,
    refused_records bigint not null,
);
