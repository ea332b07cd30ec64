-- The responses to requests of the admin API with an `Idempotency-Key`, so that the same request, sent again, creates nothing
-- more. The server writes a row in the transaction that creates the resource, and prunes it after a day.

create table stored_responses (
    -- A digest of the actor, the route and the key.
    key text not null primary key,
    -- The response and a digest of the request, sealed under a key derived from SECRET: either may contain a secret.
    sealed_response text not null,
    expires_at bigint not null
);

create index stored_responses_expires_at on stored_responses (expires_at);
