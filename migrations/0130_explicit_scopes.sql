-- Whether a token has no other scopes than those that its request names: a request that names none gets none.
alter table clients add column explicit_scopes boolean not null default false;
