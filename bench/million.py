"""A database with as many clients as asked for, and what such a service has beside them. Owns the rows; knows nothing
of what is measured. One SQL for both products, as the service itself has it; rows follow from their number, so that
every run has the same."""

import sqlite3
import time
from contextlib import closing

TEAMS = ("billing", "catalogue", "checkout", "delivery", "fraud", "identity", "invoices", "ledger", "media", "notify",
         "orders", "payouts", "pricing", "quality", "reports", "returns", "search", "stock", "support", "tax")
KINDS = ("api", "batch", "cron", "export", "gateway", "importer", "sync", "worker")

# One in so many.
DISABLED, PAYING, ENDING, REFUSED = 33, 1_000, 20, 10
# Of ten clients so many did something in the last hours.
ACTIVE, HOURS = 3, 9
EVENTS, YEAR = 200_000, 31_536_000


def client_id(number):
    return f"{TEAMS[number % len(TEAMS)]}-{KINDS[number % len(KINDS)]}-{number:08}"


def statements(clients, now):
    """What fills a database that has been migrated and has one client with a secret."""
    hour, minute = now - now % 3_600, now - now % 60
    digits = "substr(cast(100000000 + n as text), 2)"
    word = lambda words: f"case n % {len(words)} " + " ".join(
        f"when {i} then '{text}'" for i, text in enumerate(words)) + " end"
    identity = f"{word(TEAMS)} || '-' || {word(KINDS)} || '-' || {digits}"
    # Scattered over three years, with no two neighbours at about the same time.
    created = f"{now} - 1 - (n * 48271) % {3 * YEAR}"
    acting = f"n % 10 < {ACTIVE}"
    newline = "'\n'"
    yield f"""
        create table numbers (n bigint not null primary key, client_id text not null);
        insert into numbers (n, client_id)
          with recursive counting(n) as (select 1 union all select n + 1 from counting where n < {max(clients, EVENTS)})
          select n, {identity} from counting"""
    yield f"""
        insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl,
            created_at, updated_at, auth_methods, tls_client_certificate_bound, dpop_bound, allowed_networks, version,
            generation, search)
          select client_id, 'Service ' || n, 'What service number ' || n || ' does, in a sentence of some words.',
            case when n % {DISABLED} = 0 then 'disabled' else 'enabled' end,
            case when n % {PAYING} = 0 then 'orders:read payouts:write' else 'orders:read orders:write' end,
            'https://orders.example https://stock.example', '',
            '{{"tenant":"acme","role":"importer","regions":["eu","us"],"number":' || n || '}}',
            case when n % 5 = 0 then 900 end, {created}, {created},
            'client_secret_basic client_secret_post', false, false, '', ({created}) * 1000, ({created}) * 1000,
            client_id || {newline} || 'service ' || n || {newline} ||
              case when n % {PAYING} = 0 then 'orders:read payouts:write' else 'orders:read orders:write' end
          from numbers where n <= {clients}"""
    yield f"""
        insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at)
          select {digits}, client_id, 'generated', (select secret_hash from client_secrets limit 1), 'a1B2', {created},
            case when n % {ENDING} = 0 then {now} - {30 * 86_400} + (n * 48271) % {180 * 86_400} end
          from numbers where n <= {clients}"""
    yield f"""
        insert into client_scopes (client_id, scope)
          select client_id, 'orders:read' from numbers where n <= {clients}
          union all
          select client_id, case when n % {PAYING} = 0 then 'payouts:write' else 'orders:write' end
          from numbers where n <= {clients}"""
    hours = f"(select n as h from numbers where n <= {HOURS}) hours"
    yield f"""
        insert into usage_hours (client_id, hour, issued, refused, verified)
          select client_id, {hour} - (h - 1) * 7200, 1 + (n * 31 + h) % 50, case when n % 7 = 0 then n % 13 else 0 end,
            (n * 17 + h) % 900
          from numbers, {hours} where n <= {clients} and {acting}"""
    yield f"""
        delete from usage_totals;
        insert into usage_totals (span, start, issued, refused, verified)
          select 60, {minute} - (n - 1) * 60, 9000 + (n * 37) % 900, (n * 53) % 90, 90000 + (n * 71) % 9000
          from numbers where n <= 180
          union all
          select 3600, {hour} - (n - 1) * 3600, 540000 + (n * 3701) % 54000, (n * 53) % 5000, 5000000 + (n * 7103) % 500000
          from numbers where n <= 2160"""
    yield f"""
        insert into last_used (client_id, secret_id, used_at, source)
          select client_id, '', {now} - n % 3600, '10.0.' || (n % 256) || '.7' from numbers where n <= {clients} and {acting}
          union all
          select client_id, {digits}, {now} - n % 3600, '10.0.' || (n % 256) || '.7'
          from numbers where n <= {clients} and {acting}"""
    yield f"""
        insert into secret_hours (client_id, secret_id, hour, uses)
          select client_id, {digits}, {hour} - (h - 1) * 7200, 1 + (n * 31 + h) % 50
          from numbers, {hours} where n <= {clients} and {acting} and h <= 3"""
    # Their hashes are of nothing: what reads the trail does not look at them, `audit verify` alone does.
    yield f"""
        insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target,
            client_id, state_before, state_after, hash, mac, key_id)
          select last_id + n, {now} - {YEAR} + n * ({YEAR} / {EVENTS}),
            case n % 4 when 0 then 'cli' when 1 then 'client' else 'admin' end,
            case n % 4 when 0 then 'deploy' when 1 then 'pipeline' when 2 then 'ann' else 'bob' end,
            '10.0.' || (n % 256) || '.9', 'request-' || n,
            case n % 5 when 0 then 'client.create' when 1 then 'secret.add' when 2 then 'secret.expire'
              else 'client.update' end,
            'client', client_id, client_id,
            case when n % 5 > 2 then '{{"description":"before"}}' end, '{{"description":"after"}}',
            numbered.hash, numbered.hash, 'bench'
          from (select n, client_id, last_id, '{"0" * 64}' as hash from numbers, audit_head where n <= {EVENTS}) numbered;
        update audit_head set last_id = last_id + {EVENTS}, hash = '{"0" * 64}'"""
    yield f"""
        insert into rejected_requests (request_id, at, route, client_id, hint, source, error, reason)
          select 'refused-' || n, {now} - n % 80000, '/authorize', client_id, '', '10.0.' || (n % 256) || '.7', 'invalid_client',
            'wrong secret'
          from numbers where n <= {clients} and n % {REFUSED} = 0"""
    yield "drop table numbers"


TABLES = ("clients", "client_scopes", "client_secrets", "usage_hours", "last_used", "secret_hours", "audit_events", "rejected_requests")


def fill_sqlite(path, clients):
    """Nothing is told to SQLite of what is in the tables (`analyze`), since the service does not either."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = off")
        for text in statements(clients, int(time.time())):
            connection.executescript(f"begin; {text}; commit;")
        connection.execute("pragma wal_checkpoint(truncate)")


def fill_postgres(postgres, database, clients):
    for text in statements(clients, int(time.time())):
        postgres.sql(database, text)
    # As its autovacuum would within a minute.
    for table in TABLES:
        postgres.sql(database, f"vacuum analyze {table}")
