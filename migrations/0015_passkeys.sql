-- Passkeys (WebAuthn) as the second factor of admins: any number beside an app. Of each there is the public key only.

create table admin_passkeys (
    passkey_id text not null primary key,
    name text not null references admins (name) on delete cascade,
    -- What its owner calls it.
    label text not null,
    -- As the authenticator names it, in base64url. It is of one admin only.
    credential_id text not null unique,
    -- Its public key, the count of its signatures and what else it said of itself, in JSON.
    credential text not null,
    created_at bigint not null,
    last_used_at bigint
);

create index admin_passkeys_name on admin_passkeys (name);

-- The challenge that a session was given for a passkey, sealed, until it is answered.
alter table admin_sessions add column passkey_challenge text;
