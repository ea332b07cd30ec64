-- Whether an operator has vouched, by an import, that a secret of another server was generated there. If it is strong enough, its
-- hash takes as little work as that of a secret made here.
alter table client_secrets add column vouched boolean not null default false;
