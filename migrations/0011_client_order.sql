-- Lists of clients that are quick however many there are: of one status, by id; the newest or the oldest first, of any
-- status or of one. By id alone the primary key serves.

create index clients_status on clients (status, client_id);
create index clients_created_at on clients (created_at, client_id);
create index clients_status_created_at on clients (status, created_at, client_id);
