-- Clients by the beginning of their name, in capitals or not.
create index clients_name on clients (lower(name), client_id);
