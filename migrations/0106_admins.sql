-- The people who log in to the portal, and their sessions. Nobody who reads these tables can log in with them: passwords are
-- hashed, second factors are sealed under a key derived from SECRET, and of a session token there is only a digest.

create table admins (
    -- In lower case.
    name text not null primary key,
    role text not null check (role in ('viewer', 'operator', 'owner')),
    status text not null check (status in ('enabled', 'disabled')),
    -- A PHC string.
    password_hash text not null,
    must_change_password boolean not null,
    -- The secret of an authenticator app (RFC 6238); null: none. The step of its last code, so that no code works twice.
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
    -- The secret of an authenticator app that is being added, until a code confirms it.
    totp_pending text,
    created_at bigint not null,
    seen_at bigint not null,
    expires_at bigint not null,
    source text not null,
    user_agent text not null,
    -- The sealed challenge for a passkey, until the session answers it.
    passkey_challenge text
);

create index admin_sessions_name on admin_sessions (name);

-- One row, which each change of the owners updates first and so locks. If two transactions at once would each remove one
-- of the last two owners, the second sees that it would remove the last one.
create table admin_changes (
    count bigint not null
);
insert into admin_changes (count) values (0);

-- Passkeys (WebAuthn) as a second factor, any number beside an authenticator app. There is only the public key of each.
create table admin_passkeys (
    passkey_id text not null primary key,
    name text not null references admins (name) on delete cascade,
    -- The name that the admin chose for it.
    label text not null,
    -- The credential id, in base64url. It belongs to one admin only.
    credential_id text not null unique,
    -- JSON: the public key, the signature counter and the other properties of the credential.
    credential text not null,
    created_at bigint not null,
    last_used_at bigint
);

create index admin_passkeys_name on admin_passkeys (name);

-- The networks from which an admin completed a login. Failed logins from elsewhere do not lock the admin out on these.
create table admin_networks (
    name text not null references admins (name) on delete cascade,
    -- An IPv4 address, or the first address of an IPv6 /64.
    network text not null,
    logged_in_at bigint not null,
    primary key (name, network)
);
