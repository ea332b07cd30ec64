-- The `typ` in the header of a client's tokens; null: TOKEN_TYP.

alter table clients add column token_typ text check (token_typ in ('at+jwt', 'JWT'));
