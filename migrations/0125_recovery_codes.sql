-- Recovery codes: each lets an admin who lost the second factor log in once, in the place of that factor.

create table admin_recovery_codes (
    name text not null references admins (name) on delete cascade,
    -- SHA-256, in base64url. A code has 80 random bits, so that nobody finds it by its digest.
    digest text not null,
    created_at bigint not null,
    primary key (name, digest)
);
