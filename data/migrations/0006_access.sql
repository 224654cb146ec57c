-- Who may do what: people, what they were given, their sessions, the services' tokens, one-time links.

-- one row per person; a name is never used again
create table person (
    name varchar not null,
    state varchar not null,            -- invited, active, disabled
    password_hash varchar,             -- argon2id; null: none chosen, or they sign in elsewhere
    issuer varchar,                    -- the OpenID provider that vouches for them
    subject varchar,                   -- their id there
    created_at timestamp not null,
    created_by varchar not null,
    changed_at timestamp not null,
    signed_in_at timestamp,
);

-- one row per role that was given to a person or a token; null: any tenant, any flow
create table access_grant (
    holder varchar not null,           -- person:ann, token:orders-worker
    role varchar not null,
    tenant varchar,
    flow varchar,
);

-- one row per session of a person
create table access_session (
    id varchar not null,               -- public
    secret_hash varchar not null,      -- SHA-256 of what the cookie holds
    person varchar not null,
    method varchar not null,           -- password, link, openid
    agent varchar,
    address varchar,
    created_at timestamp not null,
    expires_at timestamp not null,
    seen_at timestamp not null,
    ended_at timestamp,
);

-- one row per secret of a service token; a name has at most two that are valid
create table service_token (
    id varchar not null,               -- public
    name varchar not null,
    secret_hash varchar not null,      -- SHA-256
    created_at timestamp not null,
    created_by varchar not null,
    expires_at timestamp not null,
    revoked_at timestamp,
    used_at timestamp,
);

-- one row per one-time link
create table access_link (
    code_hash varchar not null,        -- SHA-256
    person varchar,                    -- null: the first admin, who chooses a name
    created_at timestamp not null,
    expires_at timestamp not null,
    used_at timestamp,
);
