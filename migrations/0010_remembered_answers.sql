-- What was answered to a request of the admin API that made something and came with an Idempotency-Key: so that the
-- same request, sent again, makes nothing more. Written in the transaction that made the thing; removed after a day.

create table remembered_answers (
    -- A digest of who asked, for what, and under which key.
    key text not null primary key,
    -- The answer and a digest of the request, sealed under a key derived from SECRET: there may be a secret in either.
    sealed_answer text not null,
    expires_at bigint not null
);

create index remembered_answers_expires_at on remembered_answers (expires_at);
