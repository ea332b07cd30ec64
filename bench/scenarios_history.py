"""Faults of what the database remembers: it is older than what the replicas know, another one, or its file was replaced.
What was revoked stays revoked, also for a replica that starts afterwards; clients that were made since are gone. See
scenarios.py."""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager

from machinery import Failure
from postgres import Postgres


def restored(stage):
    """A dump of ten seconds ago is put back into Postgres while both replicas run."""
    stage.two_replicas()
    with stage.steady(newcomer=True) as steady, older(stage, steady) as put_back:
        with stage.outage():
            put_back()
            recovered = steady.until_written()
            whole = stage.until_whole()
    stage.note(f"writes again {recovered:.1f} s after the restore, ready after {recovered + whole:.1f} s")


def restored_by_command(stage):
    """A dump of ten seconds ago is put back, and `restore` is run: all tokens end, by a new epoch."""
    stage.two_replicas()
    with stage.steady(newcomer=True) as steady, older(stage, steady) as put_back:
        with stage.outage(), steady.ending_all_tokens():
            put_back()
            stage.command("restore")
            recovered = steady.until_written()
            stage.until_whole()
            time.sleep(3)
        ended = len(steady.gone)
    stage.note(f"writes again {recovered:.1f} s after the restore; {ended:,} tokens must have ended")


def restored_keeping_tokens(stage):
    """A dump of ten seconds ago is put back, and `restore --keep-tokens` is run: a new epoch alone."""
    stage.two_replicas()
    with stage.steady(newcomer=True) as steady, older(stage, steady) as put_back:
        with stage.outage():
            put_back()
            stage.command("restore", "--keep-tokens")
            recovered = steady.until_written()
            stage.until_whole()
    stage.note(f"writes again {recovered:.1f} s after the restore")


@contextmanager
def older(stage, steady):
    """Under load: gives what puts a dump back that was made ten seconds ago."""
    time.sleep(4)
    since, file = time.monotonic(), stage.folder / "dump"
    stage.postgres.dump("faults", file)
    time.sleep(stage.quick(10, 5))

    def put_back():
        stage.postgres.put_back("faults", file)
        note_lost(stage, steady, since)

    with steady.losing_creations(since):
        yield put_back
    time.sleep(4)


def note_lost(stage, steady, since):
    revoked = sum(1 for at, _ in steady.gone if at > since)
    made = sum(1 for at, *_ in steady.made if at > since)
    if not revoked:
        raise Failure("nothing was revoked in the time that the database has lost")
    stage.note(f"lost by the database: {revoked} revocations, {made} clients")


def failover_killed(stage):
    """Postgres is killed; its asynchronous standby, which lacks the last five seconds, is promoted and gets the address."""
    fail_over(stage, signal.SIGKILL)


def failover_frozen(stage):
    """Postgres is frozen for good, its connections stay open; its standby, which lacks five seconds, is promoted."""
    fail_over(stage, signal.SIGSTOP)


def fail_over(stage, number):
    stage.with_postgres()
    stage.with_standby()
    stage.with_proxy()
    stage.with_clients()
    stage.with_replicas()
    stage.stack.callback(lambda: stage.postgres.signal_all(signal.SIGKILL))
    with stage.steady(newcomer=True) as steady:
        time.sleep(4)
        since = time.monotonic()
        stage.standby.lag()
        time.sleep(5)
        with stage.outage(), steady.losing_creations(since):
            stage.postgres.signal_all(number)
            stage.standby.promote()
            stage.proxy.lead(target=stage.standby.port)
            note_lost(stage, steady, since)
            recovered = steady.until_written()
            whole = stage.until_whole()
        time.sleep(4)
    stage.note(f"writes again {recovered:.1f} s after the promotion, ready after {recovered + whole:.1f} s")


def another_database(stage):
    """The address leads to the database of another installation for a while; both replicas are restarted afterwards."""
    stage.with_postgres()
    other = stage.stack.enter_context(Postgres(stage.programs["postgres"], stage.folder / "other"))
    other.sql("postgres", "create database faults")
    stage.database = other.database("faults")
    stage.with_clients(2)
    stage.with_proxy()
    stage.with_clients()
    stage.with_replicas()
    before = contents(other)
    with stage.steady(newcomer=True) as steady:
        time.sleep(4)
        with stage.outage():
            stage.proxy.lead(target=other.port, cut=True)
            noticed = stage.until_degraded()
            time.sleep(stage.quick(15, 6))
            if contents(other) != before:
                stage.lost.append(f"the other database had {before} rows and has {contents(other)}")
            stage.proxy.lead(target=stage.postgres.port, cut=True)
            for replica in stage.replicas:
                replica.end()
                replica.start().until_ready()
            recovered = steady.until_written()
        time.sleep(4)
    stage.note(f"degraded after {noticed:.1f} s; writes again {recovered:.1f} s after the restarts; failed are requests to a "
               "replica that is restarting")


def contents(postgres):
    """How many rows there are of what replicas write."""
    tables = ("clients", "client_secrets", "revocations", "changes", "audit_events", "signing_keys", "replicas")
    return [int(postgres.sql("faults", f"select count(*) from {table}")) for table in tables]


def file_replaced(stage):
    """SQLite's file is replaced by a copy of ten seconds ago."""
    file = with_sqlite(stage)
    with stage.steady(newcomer=True) as steady:
        time.sleep(3)
        since, copy = time.monotonic(), file.with_suffix(".copy")
        with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(copy)) as other:
            one.backup(other)
        time.sleep(stage.quick(10, 5))
        with stage.outage(), steady.losing_creations(since):
            for suffix in ("-wal", "-shm"):
                file.with_name(file.name + suffix).unlink(missing_ok=True)
            os.replace(copy, file)
            note_lost(stage, steady, since)
            time.sleep(2)
            recovered = steady.until_written()
            whole = stage.until_whole()
            time.sleep(2)
        time.sleep(4)
    stage.note(f"writes again {recovered + 2:.1f} s after the exchange, ready after {recovered + whole + 2:.1f} s")


def file_removed(stage):
    """SQLite's folder is away for ten seconds, as a volume that is not mounted, and comes back."""
    file = with_sqlite(stage)
    folder, away = file.parent, file.parent.with_name("away")
    with stage.steady(newcomer=True) as steady:
        time.sleep(4)
        folder.rename(away)
        folder.mkdir()
        noticed = stage.until_degraded()
        for command in (["check"], ["client", "list"], ["serve"]):
            refuse_empty(stage, command)
        time.sleep(stage.quick(8, 3))
        if made := [entry.name for entry in folder.iterdir()]:
            stage.lost.append(f"an empty database was made: {made}")
        shutil.rmtree(folder)
        away.rename(folder)
        recovered = steady.until_written()
        whole = stage.until_whole()
        time.sleep(4)
    stage.note(f"degraded after {noticed:.1f} s; writes again {recovered:.1f} s after it is back, ready after "
               f"{recovered + whole:.1f} s")


def refuse_empty(stage, command):
    """Where there is no file this command fails."""
    environment = {**stage.environment(), "LISTEN_ADDR": "127.0.0.1:0"}
    try:
        done = subprocess.run([stage.binary, *command], env=environment, cwd=stage.folder, capture_output=True, timeout=10)
    except subprocess.TimeoutExpired:
        stage.lost.append(f"`{command[0]}` goes on without the file")
        return
    if done.returncode == 0:
        stage.lost.append(f"`{command[0]}` succeeds without the file")


def with_sqlite(stage, **otherwise):
    """One replica on a new SQLite file in a folder of its own."""
    file = stage.folder / "data" / "faults.db"
    file.parent.mkdir()
    stage.database = f"sqlite:{file}"
    stage.command("migrate")
    stage.with_clients()
    stage.with_replicas(["sqlite"], **otherwise)
    return file


ALL = (restored, restored_by_command, restored_keeping_tokens, failover_killed, failover_frozen, another_database,
       file_replaced, file_removed)
