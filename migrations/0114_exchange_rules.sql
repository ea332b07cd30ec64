-- Token exchange (RFC 8693): for whom a client may exchange the tokens that it is called with.

-- A JSON object: each target audience with the scopes that may result and, where there is one, the map from the scopes of
-- the subject token.
alter table clients add column exchange_rules text not null default '{}';
