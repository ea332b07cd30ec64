-- Which file a client is kept by (`client apply`): the name of the file; null: none.

alter table clients add column managed_by text;

-- What a file that no longer has a client is to be pruned of.
create index clients_managed_by on clients (managed_by, client_id) where managed_by is not null;
