"""Faults of clocks. Those of replicas are faked; those of the database and of the load, which looks at the times in tokens,
are right. The clocks that count from the boot are real, as they are when a machine's clock is set. See scenarios.py."""

import json
import os
import time
from datetime import datetime

from machinery import ask, run
from scenarios_history import with_sqlite
from stage import Replica

DAY = 86_400


class FakedClock:
    """What a process with its `environment` takes for the time; it may be set while that runs."""

    def __init__(self, stage, name, seconds=0):
        self.file = stage.folder / f"clock-{name}"
        self.set(seconds)
        told = run([stage.programs["faketime"], "-m", "-f", "+0s", "env"])
        library = next(line.partition("=")[2] for line in told.splitlines() if line.startswith("LD_PRELOAD="))
        self.environment = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_CACHE_DURATION": "1",
                            "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}

    def set(self, seconds):
        written = self.file.with_suffix(".new")
        written.write_text(f"{seconds:+}\n")
        os.replace(written, self.file)


def with_clocks(stage, **seconds):
    """Replicas by their names, each with a clock that is so far ahead; their clocks."""
    clocks = {name: FakedClock(stage, name, ahead) for name, ahead in seconds.items()}
    stage.replicas = [stage.stack.enter_context(Replica(stage, name, **clock.environment))
                      for name, clock in clocks.items()]
    for replica, ahead in zip(stage.replicas, seconds.values()):
        check_faked(stage, replica, ahead)
    return list(clocks.values())


def check_faked(stage, replica, ahead):
    """The server dates its log by the machine's clock: if that were not wrong the row would show nothing."""
    ask(replica.port, "GET", "/healthz")
    time.sleep(0.5)
    date = json.loads(replica.log().splitlines()[-1])["timestamp"]
    if abs(datetime.fromisoformat(date.replace("Z", "+00:00")).timestamp() - time.time() - ahead) > 3:
        stage.lost.append(f"the clock of {replica.name} should be {ahead} s ahead, but its log is of {date}")


def clock_ahead(stage):
    """The clock of one of two replicas behind HAProxy is 25 s ahead: both serve, by the time of Postgres."""
    one_clock_off(stage, 25)


def clock_behind(stage):
    """The clock of one of two replicas behind HAProxy is 25 s behind: both serve, by the time of Postgres."""
    one_clock_off(stage, -25)


def one_clock_off(stage, seconds):
    stage.with_postgres()
    stage.with_clients()
    with_clocks(stage, a=0, b=seconds)
    for replica in stage.replicas:
        replica.until_ready()
    stage.with_haproxy()
    before = [replica.served() for replica in stage.replicas]
    with stage.steady(balanced=True, newcomer=True):
        time.sleep(stage.quick(20, 6))
        served = [replica.served() - count for replica, count in zip(stage.replicas, before)]
    if min(served) < 100:
        stage.lost.append(f"served by the replicas: {served}")
    stage.note(f"both are ready; served by the right one {served[0]:,}, by the other {served[1]:,}")


def clock_beyond(stage):
    """The clock of one of two replicas behind HAProxy is 90 s ahead, beyond MAX_CLOCK_DIFFERENCE."""
    stage.with_postgres()
    stage.with_clients()
    with_clocks(stage, a=0, b=90)
    stage.replicas[0].until_ready()
    refuse_readiness(stage, stage.replicas[1:])
    stage.with_haproxy()
    before = stage.replicas[1].served()
    with stage.steady(balanced=True, newcomer=True):
        time.sleep(stage.quick(20, 6))
        served = stage.replicas[1].served() - before
    if served:
        stage.lost.append(f"the replica with the wrong clock was asked {served} times")
    stage.note("it is not ready, so HAProxy asks the other one alone")


def clocks_apart(stage):
    """One replica's clock is ten minutes ahead and the other's ten behind; both are asked without regard to `/readyz`."""
    stage.with_postgres()
    stage.with_clients()
    with_clocks(stage, a=600, b=-600)
    refuse_readiness(stage, stage.replicas)
    with stage.steady(newcomer=True) as steady:
        time.sleep(stage.quick(20, 6))
    note_known(stage, steady)


def refuse_readiness(stage, replicas):
    for replica in replicas:
        if replica.ready():
            stage.lost.append(f"{replica.name} with its wrong clock says that it is ready")


def clock_jumps(stage):
    """One replica's clock is set two days ahead, right, two days back and right again, while it serves."""
    stage.with_postgres()
    stage.with_clients()
    _, clock = with_clocks(stage, a=0, b=0)
    with stage.steady(newcomer=True) as steady:
        time.sleep(3)
        for days in (2, 0, -2, 0):
            clock.set(days * DAY)
            time.sleep(stage.quick(15, 4))
            check_faked(stage, stage.replicas[1], days * DAY)
        took = stage.until_whole()
    stage.note(f"ready {took:.1f} s after the clock was right again")
    note_known(stage, steady)


def note_known(stage, steady):
    stage.note(f"a revocation was known at the other within {max(steady.known_after, default=0):.2f} s")


def clock_jumps_sqlite(stage):
    """On SQLite the clock is set two days ahead for more than a minute: nothing that was revoked may be pruned."""
    clock = FakedClock(stage, "sqlite")
    with_sqlite(stage, **clock.environment)
    with stage.steady(newcomer=True) as steady:
        time.sleep(6)
        with steady.silence():
            clock.set(2 * DAY)
            time.sleep(stage.quick(75, 10))
            check_faked(stage, stage.replicas[0], 2 * DAY)
            clock.set(0)
            time.sleep(3)
            kept = len(steady.gone)
        time.sleep(6)
    stage.note(f"{kept} revocations were there before")


ALL = (clock_ahead, clock_behind, clock_beyond, clocks_apart, clock_jumps, clock_jumps_sqlite)
