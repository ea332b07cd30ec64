-- The people at the portal, and their sessions. Nothing in either table lets who reads it in: passwords are hashed,
-- second factors sealed under a key derived from SECRET, and of a session's token there is a digest.

create table admins (
    -- In small letters.
    name text not null primary key,
    role text not null check (role in ('viewer', 'operator', 'owner')),
    status text not null check (status in ('enabled', 'disabled')),
    -- A PHC string.
    password_hash text not null,
    must_change_password boolean not null,
    -- The secret of an authenticator app (RFC 6238); null: none. And the step of its last code: none is good twice.
    totp_sealed text,
    totp_step bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    last_log_in_at bigint
);

create table admin_sessions (
    session_id text not null primary key,
    token_digest text not null unique,
    name text not null references admins (name) on delete cascade,
    second_factor boolean not null,
    -- The secret of an app that is being added, until a code of it is typed.
    totp_pending text,
    created_at bigint not null,
    seen_at bigint not null,
    expires_at bigint not null,
    source text not null,
    user_agent text not null
);

create index admin_sessions_name on admin_sessions (name);

-- One row. Whatever changes who the owners are updates it first, and so comes after all that did so before: of two
-- at once that would each take away one of the last two owners, the second sees that it would take the last.
create table admin_changes (
    count bigint not null
);
insert into admin_changes (count) values (0);
