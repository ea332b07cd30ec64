-- Two roles for token-server: one that migrates and owns the tables, and one that serves and can change no table.
--
-- Run it in the database of token-server, as a superuser. It can be run again. On a managed Postgres run it as the administrator,
-- and before it: create role token_server_migrate login; grant token_server_migrate to current_user;
--
--   psql "$URL_OF_THE_SUPERUSER" -v migrating=token_server_migrate -v serving=token_server -f postgres-roles.sql
--
-- Then give both roles a password (\password token_server), or what pg_hba.conf asks for.
\set ON_ERROR_STOP on

select format('create role %I login', :'migrating') where to_regrole(:'migrating') is null \gexec
select format('create role %I login', :'serving') where to_regrole(:'serving') is null \gexec

begin;
select format('revoke all on database %I from public', current_database()) \gexec
select format('grant connect on database %I to %I, %I', current_database(), :'migrating', :'serving') \gexec
revoke all on schema public from public;
grant usage, create on schema public to :"migrating";
grant usage on schema public to :"serving";

-- What is there already goes to the role that migrates.
select format('alter table %I.%I owner to %I', schemaname, tablename, :'migrating')
from pg_tables where schemaname = 'public' \gexec

-- Rows of the tables that are there and of those that migrations add; nothing else.
grant select, insert, update, delete on all tables in schema public to :"serving";
alter default privileges for role :"migrating" in schema public
    grant select, insert, update, delete on tables to :"serving";

-- Which migrations were applied, the role that serves only reads. The first `token-server migrate` makes the table: run this file
-- once more after it.
select format('revoke insert, update, delete on _sqlx_migrations from %I', :'serving')
where to_regclass('public._sqlx_migrations') is not null \gexec
commit;
