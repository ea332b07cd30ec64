-- Whether the assertions of a client may have the URL of the token endpoint as `aud`, which RFC 7523 allowed before its update of
-- 2026.
alter table clients add column token_endpoint_audience boolean not null default false;
