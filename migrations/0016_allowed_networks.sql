-- From where a client may log in: networks such as 10.0.0.0/8, separated by spaces; none: from anywhere.

alter table clients add column allowed_networks text not null default '';
