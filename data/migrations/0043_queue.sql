-- The queue: filters under a name, of one person or shared with everybody, and batches that assign and snooze.

-- one row per view
create table saved_view (
    id varchar not null,
    name varchar not null,
    author varchar not null,
    shared boolean not null,           -- everybody sees it
    chosen json not null,              -- parameters of the page's address: tab, q, flow and the like
    version integer not null,
    changed_by varchar not null,
    created_at timestamp not null,
    changed_at timestamp not null,
);

-- what an act of a batch takes beside its reason: whom it assigns to, until when it snoozes; null: nothing
alter table batch add column given json;
