-- One row. Without a second clock a server finds here, when it starts, that its clock may be wrong. Only SQLite uses it: on
-- Postgres the servers use the database's clock.
create table clock (
    -- When a server last noted that its clock was right: it does at its start and each hour. Null: never.
    noted_at bigint,
    -- How often an operator confirmed the clock. Servers that run read it to learn of a confirmation.
    confirmations bigint not null
);
insert into clock (confirmations) values (0);
