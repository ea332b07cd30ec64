"""What is to be quick beside being right: how many changes a second one replica acknowledges, and how long until a
revocation is known everywhere. The goals are the project's; a missed one is said. See scenarios.py."""

import json
import random
import time
from statistics import median

from attackers import hear, tell
from machinery import Failure
from proxy import TEN_MS
from steady import Caller

ON_DISK = {"fsync": "on", "full_page_writes": "on"}
REPLICAS = ("a", "b", "c")


def changes_far(stage):
    """Many callers of one replica change things while Postgres is 10 ms away. Goal: 80 changes a second."""
    stage.with_postgres(**ON_DISK)
    stage.with_proxy(delay=TEN_MS)
    change_things(stage, 80)
    stage.note(f"{stage.round_trip():.1f} ms a round trip")


def changes_beside(stage):
    """Many callers of one replica change things beside its Postgres, which flushes to the disk. Goal: 500 a second."""
    stage.with_postgres(**ON_DISK)
    change_things(stage, 500)


def change_things(stage, goal):
    callers, seconds = stage.quick(64, 8), stage.quick(10, 3)
    stage.with_clients(stage.quick(64, 8))
    stage.with_replicas(["a"])
    with stage.changers(stage.replicas[0].port, callers, seconds, stage.quick(16_000, 1_600)) as changing:
        tell(changing, "go")
        done = hear(changing)
    rate = len(done["seconds"]) / done["took"]
    stage.note(f"{rate:,.0f} changes a second ({len(done['revoked']):,} tokens revoked, "
               f"{len(done['seconds']) - len(done['revoked']):,} updates); median {median(done['seconds']) * 1e3:.0f} ms, "
               f"longest {max(done['seconds']) * 1e3:.0f} ms; goal {goal}: {'met' if rate >= goal else 'MISSED'}")
    judge_statuses(stage, done)
    stage.with_replicas(["newcomer"])
    look_for(stage, done)


def judge_statuses(stage, done):
    if others := {status: count for status, count in done["statuses"].items() if status not in ("200", "503")}:
        stage.lost.append(f"changes got {others}")
    if refused := done["statuses"].get("503"):
        stage.note(f"{refused} refused with 503")
    if done["used_up"]:
        stage.note(f"{done['used_up']} callers had no more tokens to revoke")


def look_for(stage, done):
    """Each acknowledged change, at a replica that knows only what the database has."""
    port = stage.replicas[0].port
    caller, header = Caller(port), stage.admin(port)
    for token in done["revoked"]:
        if (status := caller.ask("GET", "/verify", Authorization=f"Bearer {token}")[0]) != 401:
            stage.lost.append(f"a revoked token gets {status}")
    for client_id, number in done["described"].items():
        client = json.loads(caller.ask("GET", f"/admin/api/v1/clients/{client_id}", Authorization=header)[2])
        if int(client["description"].split()[-1]) < number:
            stage.lost.append(f"{client_id}: change {number} was acknowledged, and it has {client['description']}")


def known_by_notify(stage):
    """200 revocations at one replica, and when two others refuse the token. Goal: the last one within 1 s."""
    stage.with_postgres()
    revoke_and_watch(stage, 1)


def known_by_polling(stage):
    """200 revocations while a proxy keeps all notifications back, so that replicas only poll. Goal: within 2 s."""
    stage.with_postgres()
    stage.with_proxy(mute=True)
    revoke_and_watch(stage, 2)


def revoke_and_watch(stage, goal):
    number = stage.quick(200, 20)
    stage.with_clients(number // 2)
    stage.with_replicas(REPLICAS)
    known, took = watch(stage, tokens(stage, number))
    if missing := 2 * number - len(known):
        stage.lost.append(f"{missing} revocations were not known elsewhere after 10 s")
    if known and max(known) > goal:
        stage.lost.append(f"a revocation was known elsewhere only after {max(known):.2f} s")
    stage.note(f"{number} revocations, half of them of all tokens of a client, at two others each: median "
               f"{median(known) * 1e3:.0f} ms, longest {max(known) * 1e3:.0f} ms (goal {goal} s); each was asked every "
               f"{took * 1e3:.0f} ms")


def tokens(stage, number):
    """For each client a token that is revoked by itself, and one that is revoked with all others of the client; in the order
    in which they have to be. All replicas found them good."""
    callers = [Caller(replica.port) for replica in stage.replicas]
    singles, alls = [], []
    for client in stage.clients[:number // 2]:
        for entries in (singles, alls):
            answer = callers[0].form("/authorize", client_id=client[0], client_secret=client[1])
            entries.append((client, json.loads(answer[2])["token"]))
    for _, token in singles + alls:
        for caller in callers:
            if (status := caller.ask("GET", "/verify", Authorization=f"Bearer {token}")[0]) != 200:
                stage.lost.append(f"a good token gets {status}")
    return [(False, *entry) for entry in singles] + [(True, *entry) for entry in alls]


def watch(stage, entries):
    """Seconds until each was refused at each other replica, and how long a round of asking took."""
    first, *others = [Caller(replica.port) for replica in stage.replicas]
    header, waiting, known, rounds = stage.admin(first.port), [], [], []
    next_at = time.monotonic()
    while entries or (waiting and time.monotonic() - waiting[-1][1] < 10):
        if entries and time.monotonic() >= next_at:
            at = revoke(first, header, *entries[0])
            waiting += [(entries[0][2], at, other) for other in others]
            entries.pop(0)
            # At any moment of the second in which others poll.
            next_at = time.monotonic() + random.uniform(0.1, 0.3)
        began = time.monotonic()
        for token, at, other in list(waiting):
            if other.ask("GET", "/verify", Authorization=f"Bearer {token}")[0] == 401:
                known.append(time.monotonic() - at)
                waiting.remove((token, at, other))
        if waiting:
            rounds.append(time.monotonic() - began)
        time.sleep(0.002)
    return known, median(rounds) if rounds else 0


def revoke(caller, header, whole, client, token):
    """When it was acknowledged."""
    if whole:
        answer = caller.ask("POST", f"/admin/api/v1/clients/{client[0]}/revoke-tokens", Authorization=header)
    else:
        answer = caller.form("/revoke", token=token, client_id=client[0], client_secret=client[1])
    if answer[0] not in (200, 204):
        raise Failure(f"a revocation got {answer[0]}: {answer[2]!r}")
    return time.monotonic()


ALL = (changes_far, changes_beside, known_by_notify, known_by_polling)
