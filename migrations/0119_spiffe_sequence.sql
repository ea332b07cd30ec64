-- The highest `spiffe_sequence` of a bundle of the trust domain that any replica has seen: an older bundle would bring back keys
-- that were withdrawn.

alter table trusted_issuers add column spiffe_sequence bigint;
