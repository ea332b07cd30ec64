SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE public.acme_accounts (
    directory text NOT NULL COLLATE pg_catalog."C",
    sealed_credentials text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);
CREATE TABLE public.acme_certificates (
    directory text NOT NULL COLLATE pg_catalog."C",
    names text NOT NULL COLLATE pg_catalog."C",
    chain text COLLATE pg_catalog."C",
    sealed_key text COLLATE pg_catalog."C",
    issued_at bigint,
    expires_at bigint,
    due_at bigint DEFAULT 0 NOT NULL,
    holder text COLLATE pg_catalog."C",
    leased_until bigint DEFAULT 0 NOT NULL,
    failures bigint DEFAULT 0 NOT NULL,
    failed_at bigint,
    problem text COLLATE pg_catalog."C"
);
CREATE TABLE public.acme_challenges (
    name text NOT NULL COLLATE pg_catalog."C",
    digest text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint NOT NULL
);
CREATE TABLE public.admin_changes (
    count bigint NOT NULL
);
CREATE TABLE public.admin_networks (
    name text NOT NULL COLLATE pg_catalog."C",
    network text NOT NULL COLLATE pg_catalog."C",
    logged_in_at bigint NOT NULL
);
CREATE TABLE public.admin_passkeys (
    passkey_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL COLLATE pg_catalog."C",
    credential_id text NOT NULL COLLATE pg_catalog."C",
    credential text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    last_used_at bigint
);
CREATE TABLE public.admin_sessions (
    session_id text NOT NULL COLLATE pg_catalog."C",
    token_digest text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    second_factor boolean NOT NULL,
    totp_pending text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    user_agent text NOT NULL COLLATE pg_catalog."C",
    passkey_challenge text COLLATE pg_catalog."C"
);
CREATE TABLE public.admins (
    name text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    password_hash text NOT NULL COLLATE pg_catalog."C",
    must_change_password boolean NOT NULL,
    totp_sealed text COLLATE pg_catalog."C",
    totp_step bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    last_log_in_at bigint,
    CONSTRAINT admins_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'owner'::text]))),
    CONSTRAINT admins_status_check CHECK ((status = ANY (ARRAY['enabled'::text, 'disabled'::text])))
);
CREATE TABLE public.audit_events (
    event_id bigint NOT NULL,
    at bigint NOT NULL,
    actor_type text NOT NULL COLLATE pg_catalog."C",
    actor text NOT NULL COLLATE pg_catalog."C",
    source text COLLATE pg_catalog."C",
    request_id text COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    target_type text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL COLLATE pg_catalog."C",
    client_id text COLLATE pg_catalog."C",
    state_before text COLLATE pg_catalog."C",
    state_after text COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C",
    mac text NOT NULL COLLATE pg_catalog."C",
    key_id text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.audit_head (
    last_id bigint NOT NULL,
    hash text NOT NULL COLLATE pg_catalog."C",
    anchor_id bigint NOT NULL,
    anchor_hash text NOT NULL COLLATE pg_catalog."C",
    mac text NOT NULL COLLATE pg_catalog."C",
    key_id text NOT NULL COLLATE pg_catalog."C",
    last_change_id bigint NOT NULL
);
CREATE TABLE public.changes (
    change_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    client_id text COLLATE pg_catalog."C"
);
CREATE TABLE public.client_scopes (
    client_id text NOT NULL COLLATE pg_catalog."C",
    scope text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.client_secrets (
    secret_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    origin text NOT NULL COLLATE pg_catalog."C",
    secret_hash text NOT NULL COLLATE pg_catalog."C",
    hint text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    expires_at bigint,
    CONSTRAINT client_secrets_origin_check CHECK ((origin = ANY (ARRAY['generated'::text, 'chosen'::text])))
);
CREATE TABLE public.clients (
    client_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    scopes text NOT NULL COLLATE pg_catalog."C",
    audiences text NOT NULL COLLATE pg_catalog."C",
    identifiers text NOT NULL COLLATE pg_catalog."C",
    metadata text NOT NULL COLLATE pg_catalog."C",
    token_ttl bigint,
    token_quota bigint,
    auth_methods text NOT NULL COLLATE pg_catalog."C",
    jwks text COLLATE pg_catalog."C",
    jwks_uri text COLLATE pg_catalog."C",
    tls_client_auth text COLLATE pg_catalog."C",
    tls_client_certificate_bound boolean NOT NULL,
    dpop_bound boolean NOT NULL,
    allowed_networks text NOT NULL COLLATE pg_catalog."C",
    managed_by text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    version bigint NOT NULL,
    generation bigint NOT NULL,
    search text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT clients_status_check CHECK ((status = ANY (ARRAY['enabled'::text, 'disabled'::text])))
);
CREATE TABLE public.idle_expiries (
    secret_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    idle_seconds bigint NOT NULL,
    starts_at bigint NOT NULL
);
CREATE TABLE public.installation (
    only_row bigint NOT NULL,
    identity text NOT NULL COLLATE pg_catalog."C",
    epoch bigint NOT NULL,
    generation bigint NOT NULL,
    probe text COLLATE pg_catalog."C",
    clock_noted_at bigint,
    clock_confirmations bigint NOT NULL,
    CONSTRAINT installation_only_row_check CHECK ((only_row = 1))
);
CREATE TABLE public.last_used (
    client_id text NOT NULL COLLATE pg_catalog."C",
    secret_id text NOT NULL COLLATE pg_catalog."C",
    used_at bigint NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.rejected_requests (
    request_id text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    route text NOT NULL COLLATE pg_catalog."C",
    client_id text COLLATE pg_catalog."C",
    hint text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    error text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.replicas (
    replica_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    started_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    changes_read_at bigint,
    listening boolean NOT NULL,
    certificate_expires_at bigint
);
CREATE TABLE public.revocations (
    revocation_id bigint NOT NULL,
    client_id text NOT NULL COLLATE pg_catalog."C",
    jti text COLLATE pg_catalog."C",
    generation bigint NOT NULL,
    revoked_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.secret_hours (
    client_id text NOT NULL COLLATE pg_catalog."C",
    secret_id text NOT NULL COLLATE pg_catalog."C",
    hour bigint NOT NULL,
    uses bigint NOT NULL
);
CREATE TABLE public.signing_keys (
    kid text NOT NULL COLLATE pg_catalog."C",
    alg text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    state_since bigint NOT NULL,
    created_at bigint NOT NULL,
    used_at bigint NOT NULL,
    sealed_key text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT signing_keys_alg_check CHECK ((alg = ANY (ARRAY['ES256'::text, 'EdDSA'::text, 'RS256'::text, 'PS256'::text]))),
    CONSTRAINT signing_keys_state_check CHECK ((state = ANY (ARRAY['next'::text, 'active'::text, 'retired'::text])))
);
CREATE TABLE public.single_use_values (
    key text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint NOT NULL
);
CREATE TABLE public.stored_responses (
    key text NOT NULL COLLATE pg_catalog."C",
    sealed_response text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint NOT NULL
);
CREATE TABLE public.usage_hours (
    client_id text NOT NULL COLLATE pg_catalog."C",
    hour bigint NOT NULL,
    issued bigint NOT NULL,
    refused bigint NOT NULL,
    verified bigint NOT NULL
);
CREATE TABLE public.usage_totals (
    span bigint NOT NULL,
    start bigint NOT NULL,
    issued bigint NOT NULL,
    refused bigint NOT NULL,
    verified bigint NOT NULL
);
INSERT INTO public._sqlx_migrations VALUES
	(100, 'clients', '2026-11-29 13:07:25.41118+00', true, '\x808ca3ecdbe93f9d050fde1135b5fd3dd3aa98350ba38466b710cecffba43fec7d606d40bb6bee3d8a5aa41344d8a582', 25872953),
	(101, 'signing keys', '2026-11-29 13:07:25.451472+00', true, '\x63d86f6090aeb3ca3e4182978ea0b23706f1710f2a042437d9ddcd78a1c5a6af302a19eb223370370d1e0919182f4160', 8298461),
	(102, 'revocations', '2026-11-29 13:07:25.461827+00', true, '\x0bc80f7027412749b6cc3fc73ea5bfb1faab562631dcf954d0019ffb1440af50a444dcb42fc608b0664be41d4269c254', 4674500),
	(103, 'replication', '2026-11-29 13:07:25.469682+00', true, '\xe51fdf150e48f4b0426ef53d0a2f1a8b88382635ce14ffabc9fc6825ee5fbbe65fc0fcf466bafd2bd35fa920ec87e89c', 11890113),
	(104, 'audit', '2026-11-29 13:07:25.48317+00', true, '\xcc2b9be9c321c9c5cc089dd2a49d0352d5251f7c7765d4512fa03a0e012e9a6fa00b2755369e6b5e018f106545f9e54d', 17101381),
	(105, 'usage', '2026-11-29 13:07:25.501838+00', true, '\x7a95d1079f5b31b02d377af45ae8bb26c1a709ddff4724f563fc5ff6811a8cd93abd95c376c0d91992105a049b2d5d29', 6575032),
	(106, 'admins', '2026-11-29 13:07:25.516482+00', true, '\xb99fae2f1314f2dbf8ebe7107b7e1885befd36a7d8eace596215cf9c17ff72d2ad69b693b7f821d1b5906c1e3bda2814', 15657376),
	(107, 'idempotency', '2026-11-29 13:07:25.534446+00', true, '\xabf12287b3198df8db5b8a943d8ef08dbc98340c00e313468e753b4e7da0c173380b50dc53f2edfcbc54fa73e316a241', 5979889),
	(108, 'single use', '2026-11-29 13:07:25.541727+00', true, '\x83bb3957bdd1665dab0c5cc8955462fb1335e0d40924ec04e3096e2b4336b9ad0b465618de5745b40bcad3e4f8ae868d', 2076002),
	(109, 'acme', '2026-11-29 13:07:25.544955+00', true, '\x9eb01b1f24808913d48b5174cb31e4a4966c4cb6ff72ab13f382e88595dd7a9c3ecc483027f30c2319a15aa4655f16e1', 6728089),
	(110, 'installation', '2026-11-29 13:07:25.555496+00', true, '\x3c60a34d4304fc1c6ce352a49441f0a6056a19ff94b13e520ff3b5b8f451da827f123a37aebb1b01898023d20fbd86bf', 3561718);
INSERT INTO public.admin_changes VALUES
	(1);
INSERT INTO public.admin_networks VALUES
	('olga', '192.0.2.1', 1800000000);
INSERT INTO public.admin_sessions VALUES
	('7N8sMDeeV7QbOVx0', 'ar-G8hMkdhdtfb2cNLXpNT2l9uirxLwKdjOaP7KEEaw', 'olga', true, NULL, 1800000000, 1800000000, 1800043200, '192.0.2.1', 'a browser', NULL);
INSERT INTO public.admins VALUES
	('vera', 'viewer', 'enabled', '$argon2id$v=19$m=16,t=1,p=1$ameE/lmm6Yj1MqwvHuIbXw$spdItvhEbGDxbEZyDMf3QeLIwTyXgItgsQ+iQcCWjDA', false, NULL, 0, 1800000000, 1800000000, NULL),
	('olga', 'owner', 'enabled', '$argon2id$v=19$m=16,t=1,p=1$eGyiGmevU5rUUy4pZOqO9Q$W2k6AZTXko9z1OpyI8zD25TSTPVt/MyhrEWqq3vw074', false, 'v1.kG2CeRCwGLco9B_LbHjE8BcwDBQlJS3oxeQ6Yc2RtmI6E3-amjxtap-E5wrFRrhR', 60000000, 1800000000, 1800000000, 1800000000);
INSERT INTO public.audit_events VALUES
	(1, 1800000000, 'server', '', NULL, NULL, 'key.create', 'key', 'h1S3IqR7TMqqIRCY3srAjxe1JQD37xpoWvryXNGpdOM', NULL, NULL, '{"alg":"ES256","state":"active"}', '63b16b04aab512cab71cdf8cf25c4bd9ab81bd9510271e3c60039abbc777fc19', '7beb7394642601f6924abd2ab2b08e034e0577d5926755ea2b5a77f09ea00810', 'ecb2e25bd458b23b'),
	(2, 1800000000, 'server', '', NULL, NULL, 'key.create', 'key', 'Dk1br7bjzFTGpUOcJvO_9CcBtn3vRT1uftXC5tLH7_M', NULL, NULL, '{"alg":"ES256","state":"next"}', '1a0dd73e2d7be06c5431ef5b7e9a28f4ad3b3c2ec5ae8a13cd4cee00fde63253', '142bafcbdc7050a40145099a05fbf8875ac3c0f7067dbfbb59337acfebf018b3', 'ecb2e25bd458b23b'),
	(3, 1800000000, 'server', '', NULL, NULL, 'admin.create', 'admin', 'olga', NULL, NULL, '{"name":"olga","role":"owner","status":"enabled","must_change_password":false,"has_totp":false,"passkeys":0,"created_at":1800000000,"updated_at":1800000000,"last_log_in_at":null}', 'f71a7c963904f04401208516fe00d3ab7f40c828d07fe1d37c4b75999effd2f4', '460572509c7605a5ad256c6fa54cc6a36bc042f225a95225c0d7199879ee3697', 'ecb2e25bd458b23b'),
	(4, 1800000000, 'server', '', NULL, NULL, 'admin.create', 'admin', 'vera', NULL, NULL, '{"name":"vera","role":"viewer","status":"enabled","must_change_password":false,"has_totp":false,"passkeys":0,"created_at":1800000000,"updated_at":1800000000,"last_log_in_at":null}', 'c341e3cc3e668785bdb53fff5f6d502519981f4432f07391ff273c0f4b64ff61', 'ae5e6a1b46605281cf73934a3a132744a69fc519c9671fbaf722ef4a43f513d9', 'ecb2e25bd458b23b'),
	(5, 1800000000, 'server', '', NULL, NULL, 'audit.key_change', 'audit', '', NULL, NULL, '{"key_id":"ecb2e25bd458b23b","through":4,"hash":"c341e3cc3e668785bdb53fff5f6d502519981f4432f07391ff273c0f4b64ff61"}', '95d80f700c108218b7bf69cfb1e48d3e51ce9a620a05f0855242d5f8b1ad1bf8', 'c492f5be7edeadf7222f7ad0364f886bb147fad91821db9174f57cf73c59ca45', 'c33a25addf602e3c'),
	(6, 1800000000, 'server', '', NULL, NULL, 'key.reseal', 'key', 'Dk1br7bjzFTGpUOcJvO_9CcBtn3vRT1uftXC5tLH7_M', NULL, NULL, NULL, '56a2aefb612bb13e03ff2985a04fd539b8c89d42b1d6f4c9bce22f48d02f17c8', '11763a1022cefc46d66a5514f551657ab2cf2a3a16d7df7dbdb647e3ea129612', 'c33a25addf602e3c'),
	(7, 1800000000, 'server', '', NULL, NULL, 'key.reseal', 'key', 'h1S3IqR7TMqqIRCY3srAjxe1JQD37xpoWvryXNGpdOM', NULL, NULL, NULL, '4583248559b5fce5266a9676ebe42f9efb11579b16a1b4908f61431b3fc59467', '8c1ce165a5e465574b2dfb5c72951d1a31d06835af1b973ca8001dcbb0529f19', 'c33a25addf602e3c'),
	(8, 1800000000, 'server', '', NULL, NULL, 'client.create', 'client', 'robot', 'robot', NULL, '{"client_id":"robot","status":"enabled","name":"","description":"","scopes":"admin:read admin:write","audiences":["https://tokens.test/admin/api"],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"MqVcrK7y","origin":"generated","hint":"sBvz","created_at":1800000000,"expires_at":null}]}', 'bfe6d88f20f0af8657187d197e4e11e2656b3577180c36698476527edb43913b', '699e084f4edb7f0e3e642c27e21a04b2fe64e08c72088ca8422b09afdf00ad22', 'c33a25addf602e3c'),
	(9, 1800000000, 'server', '', NULL, NULL, 'client.import', 'client', 'orders', 'orders', NULL, '{"client_id":"orders","status":"enabled","name":"Orders","description":"two\nlines","scopes":"read token:introspect","audiences":["https://a.test","https://b.test"],"identifiers":["https://orders.test"],"metadata":{"tenant":"acme","limits":[1,{"é":null}]},"token_ttl":900,"token_quota":1000,"allowed_networks":["192.0.2.0/24"],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"2AmVllnY","origin":"chosen","hint":"","created_at":1800000000,"expires_at":null}]}', '5adb9ccff2b5803104854a62cb5b98cf29a12d1d6a574b7f8e95f304368f693f', '74c9d7fadb84dea3fc9020e60c564de1374282af0b59eb76f1b66bbcc12b3293', 'c33a25addf602e3c'),
	(10, 1800000000, 'server', '', NULL, NULL, 'client.import', 'client', 'bcrypt', 'bcrypt', NULL, '{"client_id":"bcrypt","status":"enabled","name":"","description":"","scopes":"","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"ve3VC2v4","origin":"chosen","hint":"","created_at":1800000000,"expires_at":null}]}', 'ccde90eff63a628f5d8eec5fc2c687b045d4c978e20e6c3cd5781385eb8041dd', 'b901a140ddbddf0f57c382c41817b3284030cf8e2ca2fb01176093e129d8f341', 'c33a25addf602e3c'),
	(11, 1800000000, 'server', '', NULL, NULL, 'client.import', 'client', 'pbkdf2', 'pbkdf2', NULL, '{"client_id":"pbkdf2","status":"enabled","name":"","description":"","scopes":"","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"jdiwtw8n","origin":"chosen","hint":"","created_at":1800000000,"expires_at":null}]}', 'fcfd65eaa30d5dfdd611b4cc6bf18671690e5135ff6840fe06f0a0954cba1af1', '0703c63d36333e936eae06c9502f819a3a88aef179d46411482e973f7e8940b2', 'c33a25addf602e3c'),
	(12, 1800000000, 'server', '', NULL, NULL, 'client.import', 'client', 'scrypt', 'scrypt', NULL, '{"client_id":"scrypt","status":"enabled","name":"","description":"","scopes":"","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"7jOsZQFS","origin":"chosen","hint":"","created_at":1800000000,"expires_at":null}]}', '51aec176e1c21c62a47fed501bda569c449015931d5ca2a26b22affd81cd7466', 'a51c6d876c6c10e8208c46c761ef86be7dfe0459dfc5e4acbab91e293fd31b01', 'c33a25addf602e3c'),
	(13, 1800000000, 'client', 'robot', '192.0.2.1', '2938e57f-cad1-4c7c-b20a-c2dfbe5a10ae', 'client.create', 'client', 'billing', 'billing', NULL, '{"client_id":"billing","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"tsZ3AD0z","origin":"generated","hint":"5Nv3","created_at":1800000000,"expires_at":null}]}', 'e355e52acba3b82855ae24baf8c6154f5142d4e281ef21d8d5aaf85a1cb1a0ee', 'b8ea16d4807091fc72b01f2e7159af4956b839bc5ff0264b36d4bd20b4fd3a99', 'c33a25addf602e3c'),
	(14, 1800000000, 'client', 'robot', '192.0.2.1', '4012919e-e90e-4170-be87-023bc8052077', 'client.create', 'client', 'raised', 'raised', NULL, '{"client_id":"raised","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"dTu4mgSP","origin":"generated","hint":"ZxGg","created_at":1800000000,"expires_at":null}]}', '4fb65b2aadeaf20af6185cddcb6504cbb9a2d083d95fb1900e1856d5649537a7', 'c5ad5e2c17844e114114942933f0eab0c53dcffdc3c6f1cfb473468d36cc5182', 'c33a25addf602e3c'),
	(15, 1800000000, 'client', 'robot', '192.0.2.1', '2a5120a1-0380-4681-b907-3947a96a9a11', 'client.create', 'client', 'off', 'off', NULL, '{"client_id":"off","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"QNqFmeV2","origin":"generated","hint":"c15K","created_at":1800000000,"expires_at":null}]}', '463533c837df1ab10b440c815762ea78d50ce948f84e96f705e82aebae52c46c', '81fc1206477bac7bacc3b4aa706c0f71a086fd35ef0313d44decf16b14f63c88', 'c33a25addf602e3c'),
	(16, 1800000000, 'client', 'robot', '192.0.2.1', '1c386d91-c38a-46f3-92da-bfe0eb5f1f55', 'client.create', 'client', 'gone', 'gone', NULL, '{"client_id":"gone","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"buXLSSQg","origin":"generated","hint":"jofr","created_at":1800000000,"expires_at":null}]}', 'ee8a145a073ab3fe2bfa9f60629b6cb044201cc06e18bde44502a5e3201ca9dc', 'b01a49947044cc0502d2c6f272077fa011d9166e74c76c16198a94cb6c8c2129', 'c33a25addf602e3c'),
	(17, 1800000000, 'server', '', NULL, NULL, 'client.revoke_tokens', 'client', 'raised', 'raised', NULL, '{"generation":1795957646508}', 'c0fd43fe1164adf6d310fb5805d0e66f24142fa287fd34e1116c70abb308f9eb', '318165adbc08fa54f31b79e82e7b3b5c0ed1187cc3a6bea9dad1a2d51df12ddd', 'c33a25addf602e3c'),
	(18, 1800000000, 'server', '', NULL, NULL, 'client.disable', 'client', 'off', 'off', '{"status":"enabled"}', '{"status":"disabled"}', '109d4e5259a6543a06ba738e8ab39fc16fc6bd18e34c6d742fe57e849830e011', 'fd7ab6ed3dc470896f2ffbe7fc1092a06e32c05f96b3413cbec60e349b26907a', 'c33a25addf602e3c'),
	(19, 1800000000, 'server', '', NULL, NULL, 'client.delete', 'client', 'gone', 'gone', '{"client_id":"gone","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"buXLSSQg","origin":"generated","hint":"jofr","created_at":1800000000,"expires_at":null}]}', NULL, 'fa02c071975b9b2a5fffd57ec496eb67618f6ab7e0751d3a24601a6d7dc09611', '07c397cb403b435f9dc0b6e2ef3ab648636ee2772faf438a3a6a744ac19862d8', 'c33a25addf602e3c'),
	(20, 1800000000, 'server', '', NULL, NULL, 'token.revoke', 'token', '01a2276ae4f6777681b85b45908adf39', 'billing', NULL, '{"expires_at":1800003600}', '44a68023080ef7b8fdfdcee46f96ebf8267ee467f9107aafa8c9f49676ca0455', '2b02dcd48b1e4b8ef7d840490b47bb6d6e89da9a6ff8840cb1e8586c6429ff25', 'c33a25addf602e3c'),
	(21, 1800000000, 'server', '', NULL, NULL, 'secret.add', 'secret', '4g98jYo4', 'billing', NULL, '{"secret_id":"4g98jYo4","origin":"generated","hint":"zJE9","created_at":1800000000,"expires_at":1802592000}', 'bf63bcb2c22e9ce34996418d9d55fd605368a439195034463d7b82fe92d5930e', '741e68120a5be480acdc67ca706ce13e49c43900f03da8a75e38410c85a6b156', 'c33a25addf602e3c'),
	(22, 1800000000, 'server', '', NULL, NULL, 'secret.expire', 'secret', '4g98jYo4', 'billing', '{"ends_unused_for":null}', '{"ends_unused_for":86400}', 'c5989b8b66d55e034f13474c6c9f5bf4c792188fb106523b2d7395c21468c08b', '7cf97b6dc0e8cc59a903d2bfcf3b108d0cca85033a7eb892ed49cfe5efb8db70', 'c33a25addf602e3c'),
	(23, 1800000000, 'client', 'robot', '192.0.2.1', 'b3864f1d-018b-4cb5-ac38-44f7c2cecaf1', 'client.create', 'client', 'signer', 'signer', NULL, '{"client_id":"signer","status":"enabled","name":"","description":"","scopes":"","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["private_key_jwt"],"jwks":{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"6KH6InwEKfVuDVf_ksS9znP86sdryIExpA8qrCrevqo","y":"iJlPGHox4XrblyWKJAQTH112NmeCDf1PpdOyZcn8YeY"}]},"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[]}', '7b64063e6d358affe27edaecec9427850669a1bf0056d3bd8a599e0d02dc7adf', '0259623ab435f8537a153b2a5688c94cd4d531c916c906b51ffc2edb66628105', 'c33a25addf602e3c'),
	(24, 1800000000, 'client', 'robot', '192.0.2.1', 'fe9a2b9a-3854-4732-8741-d52bd1bace48', 'client.create', 'client', 'once', 'once', NULL, '{"client_id":"once","status":"enabled","name":"","description":"","scopes":"read","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"f5aQOCLF","origin":"generated","hint":"5w04","created_at":1800000000,"expires_at":null}]}', '3ad543dc1224be68c93b08b56fd63ae202e48cd63b7880a25186e311973ffe90', '63ff4c33f2cde2506fac4940f73fa3579d821fb3506bf9058effbba5b7054b3f', 'c33a25addf602e3c'),
	(25, 1800000000, 'admin', 'olga', '192.0.2.1', 'd9aaf43c-1241-4911-b0a9-4e5f0cde5d4c', 'admin.log_in', 'admin', 'olga', NULL, NULL, '{"session_id":"7N8sMDeeV7QbOVx0"}', 'ad3e1aacbe2057a6eeade355ac8ac2667ed604c642cc285819a908d1035bcd83', 'bdc848eda93d6d3972112f71f46ac172d6e9f6ea0821ef7b459a27c87b09e451', 'c33a25addf602e3c'),
	(26, 1800000000, 'admin', 'olga', '192.0.2.1', '6b1a4ebd-92d4-4569-9d5a-05091a8360b8', 'admin.add_second_factor', 'admin', 'olga', NULL, '{"has_totp":false}', '{"has_totp":true}', '989248ced9b7f9e00323202e2c8be929c9dacf67a45f02d70dd703a8e4d0a4c8', '607caa16fe4903f199d1b4732259f61927da2015e9b80bf670fccc8e5ce0e2da', 'c33a25addf602e3c'),
	(27, 1800000000, 'server', '', NULL, NULL, 'key.retire', 'key', 'h1S3IqR7TMqqIRCY3srAjxe1JQD37xpoWvryXNGpdOM', NULL, '{"alg":"ES256","state":"active"}', '{"alg":"ES256","state":"retired"}', '2ed905c19d1ac8cfa8bb610362c492c3d5cd1a3d0f9f3fb7f3901893cf35ad75', '530970f73f3ebe665c299d9e4e1466f9351512c14d26555050ccd200bb28b072', 'c33a25addf602e3c'),
	(28, 1800000000, 'server', '', NULL, NULL, 'key.activate', 'key', 'Dk1br7bjzFTGpUOcJvO_9CcBtn3vRT1uftXC5tLH7_M', NULL, '{"alg":"ES256","state":"next"}', '{"alg":"ES256","state":"active"}', 'd9a889e6dc16f7e0207e7a23b674d44e79c019ba820f2c846f948dd6f6a369a1', '1004ef42c1ad9458ef2b17fa742f48797b9e8fa09e23ee59e5f2235b9475ad4b', 'c33a25addf602e3c'),
	(29, 1800000000, 'server', '', NULL, NULL, 'key.create', 'key', 'vAAEgMpUR1sFL6DVXrvkMlWyr7gsOSxQ-5njLzmwbCM', NULL, NULL, '{"alg":"ES256","state":"next"}', 'dbaaca564092e97a63258b36d795a8f121767adb310af7e2fe3bddb35f6402d3', 'c56ca96d4717c690ed42af30fde5c0966b2c750aeed819ae438e6c9f4e92b552', 'c33a25addf602e3c');
INSERT INTO public.audit_head VALUES
	(29, 'dbaaca564092e97a63258b36d795a8f121767adb310af7e2fe3bddb35f6402d3', 0, '', 'c56ca96d4717c690ed42af30fde5c0966b2c750aeed819ae438e6c9f4e92b552', 'c33a25addf602e3c', 1800000000044389);
INSERT INTO public.changes VALUES
	(0, 'start', NULL),
	(1800000000001939, 'signing_key', NULL),
	(1800000000009347, 'signing_key', NULL),
	(1800000000015014, 'signing_key', NULL),
	(1800000000017534, 'revocation', NULL),
	(1800000000018547, 'revocation', NULL),
	(1800000000019834, 'revocation', NULL),
	(1800000000025991, 'revocation', NULL),
	(1800000000029309, 'client', 'billing'),
	(1800000000036124, 'client', 'billing'),
	(1800000000044389, 'signing_key', NULL);
INSERT INTO public.client_scopes VALUES
	('robot', 'admin:read'),
	('robot', 'admin:write'),
	('orders', 'read'),
	('orders', 'token:introspect'),
	('billing', 'read'),
	('billing', 'write'),
	('raised', 'read'),
	('raised', 'write'),
	('off', 'read'),
	('off', 'write'),
	('once', 'read');
INSERT INTO public.client_secrets VALUES
	('MqVcrK7y', 'robot', 'generated', '$argon2id$v=19$m=8,t=1,p=1$RBK2izxy0nSELKX3B8upaA$TWxze+ejBg8Gq2IOfJXig7najxq6FB+rn+XOlncgwfk', 'sBvz', 1800000000, NULL),
	('2AmVllnY', 'orders', 'chosen', '$2a$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG', '', 1800000000, NULL),
	('ve3VC2v4', 'bcrypt', 'chosen', '$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG', '', 1800000000, NULL),
	('jdiwtw8n', 'pbkdf2', 'chosen', '$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E', '', 1800000000, NULL),
	('7jOsZQFS', 'scrypt', 'chosen', '$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$LYxSASjpWvsgBcGW/17jsE7CUZ7K2uGwvSBEHJqY7Kg', '', 1800000000, NULL),
	('tsZ3AD0z', 'billing', 'generated', '$argon2id$v=19$m=8,t=1,p=1$Kame6l+fadtec4rJlLe9uQ$UG8tLYBx0sbfhJIIa+1HLOQWW+Idc1sT9mESeQ2dQ10', '5Nv3', 1800000000, NULL),
	('dTu4mgSP', 'raised', 'generated', '$argon2id$v=19$m=8,t=1,p=1$N4YkNhcz/KDjNab4Qd8opw$X/ITBnOti8OL9Fvo3Nm1AH7Bp96w9+IZhCJ+7MDI/w0', 'ZxGg', 1800000000, NULL),
	('QNqFmeV2', 'off', 'generated', '$argon2id$v=19$m=8,t=1,p=1$AFBVzkU9smEkHoLgFQMNEA$H1j7tWdRc3c8AyVFFtlHL54PiO/3Dp5KC4U5IUnkVWU', 'c15K', 1800000000, NULL),
	('4g98jYo4', 'billing', 'generated', '$argon2id$v=19$m=8,t=1,p=1$fLubKD8WcwWD/y3AQRXuuw$iZsdlRfed7wQ6tORWa7ZWYXRQsCcXeSpS+Ta/ITOliA', 'zJE9', 1800000000, 1802592000),
	('f5aQOCLF', 'once', 'generated', '$argon2id$v=19$m=8,t=1,p=1$hM0idzLh8xsQ7bL2kzijPA$gKZzb6NcvoCKGYL12HoohovlZK8Pe5W1b+Huvig8ojM', '5w04', 1800000000, NULL);
INSERT INTO public.clients VALUES
	('robot', '', '', 'enabled', 'admin:read admin:write', 'https://tokens.test/admin/api', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646302, 1795957646302, 'robot
admin:read admin:write'),
	('orders', 'Orders', 'two
lines', 'enabled', 'read token:introspect', 'https://a.test https://b.test', 'https://orders.test', '{"tenant":"acme","limits":[1,{"é":null}]}', 900, 1000, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '192.0.2.0/24', NULL, 1800000000, 1800000000, 1795957646329, 1795957646329, 'orders
orders
read token:introspect'),
	('bcrypt', '', '', 'enabled', '', '', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646330, 1795957646330, 'bcrypt
'),
	('pbkdf2', '', '', 'enabled', '', '', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646330, 1795957646330, 'pbkdf2
'),
	('scrypt', '', '', 'enabled', '', '', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646330, 1795957646330, 'scrypt
'),
	('raised', '', '', 'enabled', 'read write', '', '', '{"tenant":"acme"}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646361, 1795957646508, 'raised
read write'),
	('off', '', '', 'disabled', 'read write', '', '', '{"tenant":"acme"}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646377, 1795957646534, 'off
read write'),
	('billing', '', '', 'enabled', 'read write', '', '', '{"tenant":"acme"}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646347, 1795957646345, 'billing
read write'),
	('signer', '', '', 'enabled', '', '', '', '{}', NULL, NULL, 'private_key_jwt', '{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"6KH6InwEKfVuDVf_ksS9znP86sdryIExpA8qrCrevqo","y":"iJlPGHox4XrblyWKJAQTH112NmeCDf1PpdOyZcn8YeY"}]}', NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646608, 1795957646608, 'signer
'),
	('once', '', '', 'enabled', 'read', '', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, false, false, '', NULL, 1800000000, 1800000000, 1795957646633, 1795957646633, 'once
read');
INSERT INTO public.idle_expiries VALUES
	('4g98jYo4', 'billing', 86400, 1800000000);
INSERT INTO public.installation VALUES
	(1, 'Ltdx96qUWTo63Q2l8G8VQa', 1, 0, NULL, NULL, 0);
INSERT INTO public.last_used VALUES
	('billing', '', 1800000000, '192.0.2.1'),
	('billing', 'tsZ3AD0z', 1800000000, '192.0.2.1'),
	('gone', '', 1800000000, '192.0.2.1'),
	('gone', 'buXLSSQg', 1800000000, '192.0.2.1'),
	('off', '', 1800000000, '192.0.2.1'),
	('off', 'QNqFmeV2', 1800000000, '192.0.2.1'),
	('raised', '', 1800000000, '192.0.2.1'),
	('raised', 'dTu4mgSP', 1800000000, '192.0.2.1'),
	('robot', '', 1800000000, '192.0.2.1'),
	('robot', 'MqVcrK7y', 1800000000, '192.0.2.1'),
	('signer', '', 1800000000, '192.0.2.1');
INSERT INTO public.rejected_requests VALUES
	('aa8f3ba9-f804-43b6-a834-03b676bb53f3', 1800000000, '/authorize', 'billing', '', '192.0.2.1', 'invalid_client', 'wrong secret');
INSERT INTO public.revocations VALUES
	(1800000000017534, 'raised', NULL, 1795957646508, 1800000000, 1800172800),
	(1800000000018547, 'off', NULL, 1795957646534, 1800000000, 1800172800),
	(1800000000019834, 'gone', NULL, 1795957646569, 1800000000, 1800172800),
	(1800000000025991, 'billing', '01a2276ae4f6777681b85b45908adf39', 1795957646345, 1800000000, 1800003600);
INSERT INTO public.secret_hours VALUES
	('billing', 'tsZ3AD0z', 1800000000, 4),
	('gone', 'buXLSSQg', 1800000000, 1),
	('off', 'QNqFmeV2', 1800000000, 1),
	('raised', 'dTu4mgSP', 1800000000, 1),
	('robot', 'MqVcrK7y', 1800000000, 1);
INSERT INTO public.signing_keys VALUES
	('h1S3IqR7TMqqIRCY3srAjxe1JQD37xpoWvryXNGpdOM', 'ES256', 'retired', 1800000000, 1800000000, 1800000000, 'v1.4C5Z1fmrFleHWODhgSc4wH40CupxIDpW0x2YlEP56wVz-HTYcqSMcBP12u4O-aS2rKgdC4LLKFuruXUS5ltb56HnffxRkjNjk41gkUNNVvNjoTXu-vxCrlTaYy3BDbTDnj2am9XX60Wc8mg0Lj0p3DsqWikFZlxnS_I9Lxzv6c3wZVf1BxKiuNY7REnt6p_HIlNYG0v6aow58JcCV1902J16_8kC9w'),
	('Dk1br7bjzFTGpUOcJvO_9CcBtn3vRT1uftXC5tLH7_M', 'ES256', 'active', 1800000000, 1800000000, 1800000000, 'v1.vHs_e6CdXs45ATIqSt-vX4wQA_sFIVUBGiKkkHiFVmXYZDo_In_qtiSuL03L3iCmVgfK18CL_ewZyAd0XLbO2UeQ7le0WJG33KnVRJfYof3darI-QfJhPM47MH1fhSqR-w62arl1YF_4PTGgQwbFZq9FJxAhY9HRcdcTgmJb1vN7TFolVloW5w-ieRykKmhsSYU9ZwdGIxibv-BfGowmqfp-41xesg'),
	('vAAEgMpUR1sFL6DVXrvkMlWyr7gsOSxQ-5njLzmwbCM', 'ES256', 'next', 1800000000, 1800000000, 1800000000, 'v1.Leftgj4qufO5QX18SdikmXwDs7bLQtHiS6TtHnU-4hzff199RIADEmqGEBkFoFVa5MoNVJGsTEEDOFGWVMz3SJc_7WuGM6wIUabt3eM0ZrhiuKu983lvzRd2M2vGfqdHohwL9uqZlwViyZMiOpzf39-X88eyNr43fH_dTGLgX6G_5FMX5s42BZt0DAb_rrE7kSCjbvR3njbEiHbBPEe2SLald6dJcQ');
INSERT INTO public.single_use_values VALUES
	('hfj00faALw7ZjXdB1cy6zdYjZoizmWDZdQQhzeqsD3o', 1800000330);
INSERT INTO public.stored_responses VALUES
	('0Dm28aJGcKUL31wPVM2xp1_i6nWvkjLYY1EKOvSkPY0', 'v1.RLA3MJ-7MmfGWsYIo4XvDFtsIwdRxtbY7bjdwT4hNUiuMr3knPf3gDZc3Cv9QSYoknOKKe30x2mHWWz0DXDR_Wq8pTibM30AAfwig6oynIKZs007hlJXw7NZqp-QVWTbiGfN9bktdm99H1ZmHRvQg5UWK0VTsqldtAjYQY8JBocpMJxnMJsKZXrReS54TSE8cug1PrE83_p4jPWJUhelo1BOcpc3xl_BBAW6W6MJ17VbL7kOyVga-dIBJcNjTiSzUk4jleFp5m0N-U0HLl1Ln1ULjXdrKDygpp64kQwJPILxMlSkBmklpake7iolodasnVohhMejwHTBUXEzhZ54qpX__I6rlfNO1FGrH7KJb_-TOAGFHyuN4CK6fcXjkddnyzEdbUwRGa4KthcjyKUECXeB8kq_e4tVpws_Q7uWARuiCShI0uibitMgc4U1BNxkaHz9YiSejYNFOz4yp90VGVuZTAddQfReSPzaCy8KDCWJUdTruLZL35vVQu7maK0kOPFO6kjVeH17TiyLH2AZuThCLbGjFJ5n6UXn1jE_ypuPpCgfX7OSvIZo3gJnrY5-9ZCmIa_KUX9dTeV0puCoEj91kx3hmBOdDetvAyWbI-EyTPnZPv9UbLebXM583SP5-AuRHbkCAb0Fi89gNMNlxgf6cdsROV-qMOQBZYRrcPf7l94h0R2Tgt3Hyyqfyy1lemOkVZviv3hBQRSPfIUesIu3XT4p9fkWNT8ORvQLrdSEDEKIDG13Q1misZP5tSykB6ZoP-j7__3sU5GTZACbWIGYI9Z_CZT9gqTAU_SmC6VVK9rq74T6WzE8fbH3yGNkSml4ivBznkmYpNSK0eQxGnE2UgOhEAQDtrTbcYiVcfWf-Q', 1800086400);
INSERT INTO public.usage_hours VALUES
	('billing', 1800000000, 4, 1, 0),
	('gone', 1800000000, 1, 0, 0),
	('off', 1800000000, 1, 0, 0),
	('raised', 1800000000, 1, 0, 0),
	('robot', 1800000000, 1, 0, 6),
	('signer', 1800000000, 1, 0, 0);
INSERT INTO public.usage_totals VALUES
	(60, 1800000000, 9, 1, 6),
	(3600, 1800000000, 9, 1, 6);
ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.acme_accounts
    ADD CONSTRAINT acme_accounts_pkey PRIMARY KEY (directory);
ALTER TABLE ONLY public.acme_certificates
    ADD CONSTRAINT acme_certificates_pkey PRIMARY KEY (directory, names);
ALTER TABLE ONLY public.acme_challenges
    ADD CONSTRAINT acme_challenges_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.admin_networks
    ADD CONSTRAINT admin_networks_pkey PRIMARY KEY (name, network);
ALTER TABLE ONLY public.admin_passkeys
    ADD CONSTRAINT admin_passkeys_credential_id_key UNIQUE (credential_id);
ALTER TABLE ONLY public.admin_passkeys
    ADD CONSTRAINT admin_passkeys_pkey PRIMARY KEY (passkey_id);
ALTER TABLE ONLY public.admin_sessions
    ADD CONSTRAINT admin_sessions_pkey PRIMARY KEY (session_id);
ALTER TABLE ONLY public.admin_sessions
    ADD CONSTRAINT admin_sessions_token_digest_key UNIQUE (token_digest);
ALTER TABLE ONLY public.admins
    ADD CONSTRAINT admins_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (change_id);
ALTER TABLE ONLY public.client_scopes
    ADD CONSTRAINT client_scopes_pkey PRIMARY KEY (client_id, scope);
ALTER TABLE ONLY public.client_secrets
    ADD CONSTRAINT client_secrets_pkey PRIMARY KEY (secret_id);
ALTER TABLE ONLY public.clients
    ADD CONSTRAINT clients_pkey PRIMARY KEY (client_id);
ALTER TABLE ONLY public.idle_expiries
    ADD CONSTRAINT idle_expiries_pkey PRIMARY KEY (secret_id);
ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY public.last_used
    ADD CONSTRAINT last_used_pkey PRIMARY KEY (client_id, secret_id);
ALTER TABLE ONLY public.replicas
    ADD CONSTRAINT replicas_pkey PRIMARY KEY (replica_id);
ALTER TABLE ONLY public.revocations
    ADD CONSTRAINT revocations_jti_key UNIQUE (jti);
ALTER TABLE ONLY public.revocations
    ADD CONSTRAINT revocations_pkey PRIMARY KEY (revocation_id);
ALTER TABLE ONLY public.secret_hours
    ADD CONSTRAINT secret_hours_pkey PRIMARY KEY (client_id, secret_id, hour);
ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (kid);
ALTER TABLE ONLY public.single_use_values
    ADD CONSTRAINT single_use_values_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.stored_responses
    ADD CONSTRAINT stored_responses_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.usage_hours
    ADD CONSTRAINT usage_hours_pkey PRIMARY KEY (client_id, hour);
ALTER TABLE ONLY public.usage_totals
    ADD CONSTRAINT usage_totals_pkey PRIMARY KEY (span, start);
CREATE INDEX admin_passkeys_name ON public.admin_passkeys USING btree (name);
CREATE INDEX admin_sessions_name ON public.admin_sessions USING btree (name);
CREATE INDEX audit_events_action ON public.audit_events USING btree (action, event_id);
CREATE INDEX audit_events_actor ON public.audit_events USING btree (actor_type, actor, event_id);
CREATE INDEX audit_events_at ON public.audit_events USING btree (at);
CREATE INDEX audit_events_client_id ON public.audit_events USING btree (client_id, event_id);
CREATE INDEX audit_events_group ON public.audit_events USING btree (rtrim(action, 'abcdefghijklmnopqrstuvwxyz_'::text), event_id);
CREATE INDEX audit_events_kind ON public.audit_events USING btree (actor_type, event_id);
CREATE INDEX audit_events_name ON public.audit_events USING btree (actor, event_id);
CREATE INDEX client_scopes_scope ON public.client_scopes USING btree (scope, client_id);
CREATE INDEX client_secrets_client_id ON public.client_secrets USING btree (client_id);
CREATE INDEX client_secrets_expires_at ON public.client_secrets USING btree (expires_at);
CREATE INDEX clients_created_at ON public.clients USING btree (created_at, client_id);
CREATE INDEX clients_managed_by ON public.clients USING btree (managed_by, client_id) WHERE (managed_by IS NOT NULL);
CREATE INDEX clients_status ON public.clients USING btree (status, client_id);
CREATE INDEX clients_status_created_at ON public.clients USING btree (status, created_at, client_id);
CREATE INDEX rejected_requests_at ON public.rejected_requests USING btree (at);
CREATE INDEX rejected_requests_client_id ON public.rejected_requests USING btree (client_id, at);
CREATE INDEX rejected_requests_request_id ON public.rejected_requests USING btree (request_id, at);
CREATE UNIQUE INDEX revocations_client_id ON public.revocations USING btree (client_id) WHERE (jti IS NULL);
CREATE INDEX revocations_expires_at ON public.revocations USING btree (expires_at);
CREATE INDEX revocations_of_client ON public.revocations USING btree (client_id, generation) WHERE (jti IS NOT NULL);
CREATE INDEX secret_hours_hour ON public.secret_hours USING btree (hour);
CREATE UNIQUE INDEX signing_keys_one_active ON public.signing_keys USING btree (alg) WHERE (state = 'active'::text);
CREATE UNIQUE INDEX signing_keys_one_next ON public.signing_keys USING btree (alg) WHERE (state = 'next'::text);
CREATE INDEX single_use_values_expires_at ON public.single_use_values USING btree (expires_at);
CREATE INDEX stored_responses_expires_at ON public.stored_responses USING btree (expires_at);
CREATE INDEX usage_hours_hour ON public.usage_hours USING btree (hour);
ALTER TABLE ONLY public.admin_networks
    ADD CONSTRAINT admin_networks_name_fkey FOREIGN KEY (name) REFERENCES public.admins(name) ON DELETE CASCADE;
ALTER TABLE ONLY public.admin_passkeys
    ADD CONSTRAINT admin_passkeys_name_fkey FOREIGN KEY (name) REFERENCES public.admins(name) ON DELETE CASCADE;
ALTER TABLE ONLY public.admin_sessions
    ADD CONSTRAINT admin_sessions_name_fkey FOREIGN KEY (name) REFERENCES public.admins(name) ON DELETE CASCADE;
ALTER TABLE ONLY public.client_scopes
    ADD CONSTRAINT client_scopes_client_id_fkey FOREIGN KEY (client_id) REFERENCES public.clients(client_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.client_secrets
    ADD CONSTRAINT client_secrets_client_id_fkey FOREIGN KEY (client_id) REFERENCES public.clients(client_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.idle_expiries
    ADD CONSTRAINT idle_expiries_secret_id_fkey FOREIGN KEY (secret_id) REFERENCES public.client_secrets(secret_id) ON DELETE CASCADE;
