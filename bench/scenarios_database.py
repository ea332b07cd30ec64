"""Faults of the database: it is gone, full, far, read-only, elsewhere, or being migrated. See scenarios.py."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter

from machinery import Failure, ask
from proxy import TEN_MS
from stage import Replica

# The lock of those that migrate (src/store/db/migrations/postgres.rs).
MIGRATION_LOCK = 0x746F6B656E6D6967


def postgres_killed(stage):
    """Postgres is killed with SIGKILL and started again five seconds later."""
    def kill():
        stage.postgres.signal_all(signal.SIGKILL)
        stage.postgres.process.wait()
        time.sleep(5)
        stage.postgres.serve(stage.postgres.port, stage.postgres.log)

    _, recovered = without_database(stage, kill)
    stage.note(f"writes again {recovered:.1f} s after its start")


def postgres_frozen(stage):
    """Postgres is stopped with SIGSTOP for 30 s: connections stay open and nothing answers."""
    def freeze():
        stage.postgres.signal_all(signal.SIGSTOP)
        time.sleep(stage.quick(30, 8))
        stage.postgres.signal_all(signal.SIGCONT)

    _, recovered = without_database(stage, freeze)
    stage.note(f"writes again {recovered:.1f} s after it goes on")


def postgres_down(stage):
    """Postgres is down for five minutes; tokens are judged and known clients served all along."""
    def take_down():
        stage.postgres.process.send_signal(signal.SIGINT)
        stage.postgres.process.wait()
        time.sleep(stage.quick(300, 10))
        stage.postgres.serve(stage.postgres.port, stage.postgres.log)

    steady, recovered = without_database(stage, take_down)
    unserved = sum(steady.figures[kind, name].counts[outcome] for kind in ("verify", "login")
                   for name in steady.targets for outcome in ("refused", "failed"))
    stage.note(f"{unserved} failures of /verify and known clients; writes again {recovered:.1f} s after its start")


def pool_exhausted(stage):
    """Another session holds locks on the tables, so that every query of the service waits."""
    seconds = stage.quick(20, 6)

    def lock():
        stage.postgres.sql("faults", f"""begin; set local statement_timeout = 0;
            lock table clients, client_secrets, revocations, changes in access exclusive mode;
            select pg_sleep({seconds}); commit""")

    _, recovered = without_database(stage, lock)
    stage.note(f"locked for {seconds} s; writes again {recovered:.1f} s later")


def without_database(stage, take_away):
    """Two replicas under load while the database is taken away and given back; the load, and the seconds until something
    is written again."""
    stage.two_replicas()
    with stage.steady() as steady:
        time.sleep(4)
        with stage.outage():
            take_away()
            recovered = steady.until_written()
        time.sleep(4)
    return steady, recovered


def disk_full(stage):
    """SQLite's disk is full for ten seconds."""
    disk = stage.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", disk], capture_output=True, text=True)
    if mounted.returncode:
        raise Failure(f"disk-full needs the right to mount a small file system: {mounted.stderr.strip()}")
    stage.stack.callback(lambda: subprocess.run(["umount", "-l", disk], check=True))
    stage.database = f"sqlite:{disk}/faults.db"
    stage.with_clients()
    stage.with_replicas(["sqlite"])
    with stage.steady() as steady:
        time.sleep(4)
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(65536))
            except OSError:
                pass
        time.sleep(stage.quick(10, 4))
        (disk / "filler").unlink()
        recovered = steady.until_written()
        time.sleep(4)
    stage.note(f"writes again {recovered:.1f} s after there is room")


def through_pgbouncer(stage):
    """The replicas reach Postgres through pgbouncer in transaction mode, which passes no notification on."""
    stage.with_postgres()
    stage.with_pgbouncer()
    stage.with_clients()
    stage.with_replicas()
    with stage.steady() as steady:
        time.sleep(stage.quick(15, 6))
    longest = max(steady.known_after, default=0)
    if longest > 2:
        stage.lost.append(f"a revocation was known elsewhere only after {longest:.2f} s")
    stage.note(f"known at the other replica within {longest:.2f} s")


def read_only(stage):
    """Postgres is set read-only for 20 s, as a primary is that was demoted."""
    stage.two_replicas()
    with stage.steady(newcomer=True) as steady:
        time.sleep(4)
        with stage.outage():
            stage.postgres.set(default_transaction_read_only="on")
            noticed = stage.until_degraded()
            time.sleep(stage.quick(15, 5))
            stage.postgres.set(default_transaction_read_only=None)
            recovered = steady.until_written()
            whole = stage.until_whole()
        time.sleep(4)
    stage.note(f"degraded after {noticed:.1f} s; writes again {recovered:.1f} s after it may, ready after "
               f"{recovered + whole:.1f} s")


def address_moved(stage):
    """Another Postgres takes over and gets the address; the old one goes on, read-only, and keeps its connections."""
    stage.with_postgres()
    stage.with_standby()
    stage.with_proxy()
    stage.with_clients()
    stage.with_replicas()
    with stage.steady(newcomer=True) as steady:
        time.sleep(4)
        with stage.outage():
            stage.postgres.set(default_transaction_read_only="on")
            time.sleep(1)  # What had begun to write has ended.
            stage.postgres.hand_over(stage.standby)
            stage.standby.promote()
            stage.proxy.lead(target=stage.standby.port)
            recovered = steady.until_written()
            whole = stage.until_whole()
            left = until_left(stage, 30)
        time.sleep(4)
    stage.note(f"writes again {recovered:.1f} s after the move, ready after {recovered + whole:.1f} s, "
               f"the last connection to the old one closed {left:.1f} s later")


def until_left(stage, seconds):
    """Seconds until nobody is connected to the old primary any more."""
    began = time.monotonic()
    while number := stage.postgres.sessions("faults"):
        if time.monotonic() - began > seconds:
            stage.lost.append(f"{number} connections to the old primary are left after {seconds} s")
            break
        time.sleep(0.1)
    return time.monotonic() - began


def password_rotated(stage):
    """The password at Postgres is changed and all connections are cut; ten seconds later the file has the new one."""
    stage.with_postgres()
    stage.postgres.sql("postgres", "create role app login password 'first'", "alter database faults owner to app")
    stage.postgres.ask_for_password("app")
    file, with_url = stage.folder / "database-url", stage.settings
    stage.settings = lambda: {**{name: value for name, value in with_url().items() if name != "DATABASE_URL"},
                              "DATABASE_URL_FILE": str(file)}
    file.write_text(stage.postgres.database("faults", "app:first"))
    stage.with_clients()
    stage.with_replicas()
    with stage.steady(newcomer=True) as steady:
        time.sleep(4)
        with stage.outage():
            stage.postgres.sql("postgres", "alter role app password 'second'",
                               "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'")
            time.sleep(stage.quick(10, 4))
            written = stage.folder / "database-url.new"
            written.write_text(stage.postgres.database("faults", "app:second"))
            os.replace(written, file)
            recovered = steady.until_written()
            stage.until_whole()
        time.sleep(4)
    stage.note(f"writes again {recovered:.1f} s after the file is changed")


def far_database(stage):
    """Postgres is 10 ms away."""
    stage.with_postgres()
    stage.with_proxy(delay=TEN_MS)
    stage.with_clients()
    stage.with_replicas()
    with stage.steady(newcomer=True) as steady:
        time.sleep(stage.quick(20, 6))
    longest = max(steady.known_after, default=0)
    if longest > 2:
        stage.lost.append(f"a revocation was known elsewhere only after {longest:.2f} s")
    stage.note(f"{stage.round_trip():.1f} ms a round trip; known at the other replica within {longest:.2f} s")


def started_without_database(stage):
    """All replicas start without their database, which comes ten seconds later; those that end are started again."""
    stage.with_postgres()
    stage.with_clients()
    stage.with_replicas(["earlier"])
    with stage.steady(final=False) as steady:
        steady.until_written()
    earlier, revoked, good = stage.replicas[0], steady.gone, steady.tokens[-1][1]
    earlier.end()
    stage.postgres.end()
    stage.replicas = [stage.stack.enter_context(Replica(stage, name).spawn()) for name in ("a", "b")]
    questions = [("GET", "/readyz"), ("GET", "/verify", f"Bearer {good}"), ("GET", "/verify", f"Bearer {revoked[-1][1]}"),
                 ("POST", "/authorize", "", "client_id={}&client_secret={}".format(*stage.clients[0]))]
    answers, starts, until = Counter(), 2, time.monotonic() + stage.quick(10, 4)
    while time.monotonic() < until:
        starts += sum(replica.keep_running() for replica in stage.replicas)
        answers += Counter(answer_of(replica, question) for replica in stage.replicas for question in questions)
        time.sleep(0.2)
    if others := [answer for answer in answers if answer not in ("none", "503")]:
        stage.lost.append(f"without a database a request gets {others}")
    stage.postgres.serve(stage.postgres.port, stage.postgres.log)
    began = time.monotonic()
    while not all(replica.state() == "ready" for replica in stage.replicas):
        starts += sum(replica.keep_running() for replica in stage.replicas)
        if time.monotonic() - began > 60:
            raise Failure("the replicas are not ready 60 s after there is a database")
        time.sleep(0.05)
    took = time.monotonic() - began
    with stage.steady() as steady:
        steady.gone += revoked
        time.sleep(4)
    stage.note(f"ready {took:.1f} s after Postgres starts; {starts} starts of 2 replicas; meanwhile {answers['503']} answers "
               f"503, {answers['none']} none")


def answer_of(replica, question):
    try:
        return str(ask(replica.port, *question)[0])
    except OSError:
        return "none"


def two_starters(stage):
    """Both replicas find an empty database and bring its schema up to date at the same time; five databases."""
    stage.with_postgres()
    for number in range(stage.quick(5, 2)):
        for replica in stage.replicas:
            replica.end()
        stage.postgres.sql("postgres", f"create database faults_{number}")
        stage.database = stage.postgres.database(f"faults_{number}")
        start_at_once(stage, "a", "b")
    stage.with_clients()
    with stage.steady():
        time.sleep(4)


def start_at_once(stage, *names):
    """These replicas, which end with the stage; seconds until all are ready."""
    began, replicas = time.monotonic(), [Replica(stage, name) for name in names]
    stage.replicas = [stage.stack.enter_context(replica.spawn()) for replica in replicas]
    for replica in stage.replicas:
        replica.until_ready(300)
    return time.monotonic() - began


def big_migration(stage):
    """Two replicas serve while an index over 2,000,000 events of the trail is made, and two newer ones start and wait."""
    stage.two_replicas()
    number, older = stage.quick(2_000_000, 50_000), stage.replicas
    stage.postgres.sql("faults", *trail(number), "vacuum analyze audit_events")
    # What a newer version finds: its last migration is still to be done.
    stage.postgres.sql("faults", "drop table acme_accounts, acme_certificates, acme_challenges",
                       "delete from _sqlx_migrations where description = 'acme'")
    with stage.steady() as steady:
        time.sleep(4)
        migrating = threading.Thread(target=stage.postgres.sql, args=(
            "faults", f"select pg_advisory_lock({MIGRATION_LOCK})",
            "create index concurrently faults_target on audit_events (target, target_type, event_id)",
            f"select pg_advisory_unlock({MIGRATION_LOCK})"))
        began = time.monotonic()
        migrating.start()
        time.sleep(0.5)
        started = start_at_once(stage, "c", "d")
        stage.replicas = older + stage.replicas
        migrating.join()
        indexed = time.monotonic() - began
        written = steady.until_written()
        time.sleep(4)
    valid = "select indisvalid from pg_index where indexrelid = 'faults_target'::regclass"
    if stage.postgres.sql("faults", valid).strip() != "t":
        stage.lost.append("the index is not valid")
    slowest = max(figures.slowest for (kind, _), figures in steady.figures.items() if kind in ("revoke", "create"))
    stage.note(f"index of {number:,} events made in {indexed:.1f} s; the newer ones ready {started:.1f} s after their start; "
               f"the slowest write took {slowest:.2f} s, one after it {written:.1f} s")


def trail(number):
    """So many events of the past, older than all that are there."""
    first = f"(select min(event_id) from audit_events) - {number}"
    yield f"""
        insert into audit_events (event_id, at, actor_type, actor, action, target_type, target, client_id, state_before,
            state_after, hash, mac, key_id)
        select {first} + n, extract(epoch from now())::bigint - 30000000 + n, 'admin', 'ann', 'client.update', 'client',
            'client-' || n % 100000, 'client-' || n % 100000, '{{"description":"before"}}', '{{"description":"after"}}',
            repeat('0', 64), repeat('0', 64), 'bench'
        from generate_series(0, {number - 1}) n"""


ALL = (postgres_killed, postgres_frozen, postgres_down, pool_exhausted, disk_full, read_only, address_moved, password_rotated,
       far_database, through_pgbouncer, started_without_database, two_starters, big_migration)
