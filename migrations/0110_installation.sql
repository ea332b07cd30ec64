-- Which database this is. `token-server migrate` inserts the row when it has created the table. A copy or a backup has the
-- same identity as its original.

create table installation (
    -- At most one row.
    only_row bigint not null primary key check (only_row = 1),
    -- Random.
    identity text not null,
    -- 1, and one more with each `token-server restore`.
    epoch bigint not null,
    -- Tokens with a lower `gen` are revoked, whosever they are. `token-server restore` raises it; 0 before.
    generation bigint not null,
    -- What the server writes to learn whether the disk has room again; null otherwise.
    probe text,
    -- On SQLite, when a server last noted that its clock was right: it does at its start and each hour. Without a second clock
    -- it finds here, when it starts, that its clock may be wrong. Null: never, or Postgres, which has a clock of its own.
    clock_noted_at bigint,
    -- How often an operator confirmed the clock. Servers that run read it to learn of a confirmation.
    clock_confirmations bigint not null
);
