"""Faults of bench/faults, one function each, here those of replicas and callers. Each is given a `Stage`, makes what it
needs there, breaks it under load, and leaves what is worth telling as notes."""

import os
import re
import signal
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from attackers import attack, hear, send_huge, tell
from machinery import load, make_certificate


def replica_killed(stage):
    """One of two replicas behind HAProxy is killed with SIGKILL and started again."""
    stage.two_replicas()
    stage.with_haproxy()
    with stage.steady(balanced=True):
        time.sleep(4)
        stage.replicas[0].end(signal.SIGKILL)
        time.sleep(5)
        stage.replicas[0].start().until_ready()
        time.sleep(4)
    stage.note("failed are those in flight on the one that was killed")


def replica_frozen(stage):
    """One of two replicas is stopped with SIGSTOP for twelve seconds while it writes as much as it can; three times."""
    stage.two_replicas()
    frozen, times = stage.replicas[1], stage.quick(3, 1)
    with stage.changers(frozen.port, 8, 15 * times, 8_000) as changing, stage.steady(newcomer=True) as steady:
        tell(changing, "go")
        for _ in range(times):
            time.sleep(2)
            with stage.outage():
                frozen.running.process.send_signal(signal.SIGSTOP)
                time.sleep(12)
                frozen.running.process.send_signal(signal.SIGCONT)
        done = hear(changing)
        time.sleep(2)
    stage.note(f"the other one was without a write for {steady.figures['revoke', 'a'].longest:.1f} s at most; "
               f"{len(done['seconds']):,} writes by the one that was frozen")


def rolling_restart(stage):
    """Both replicas behind HAProxy are restarted by SIGTERM, one after the other, twice."""
    stage.two_replicas()
    stage.with_haproxy()
    with stage.steady(balanced=True):
        for replica in stage.replicas * 2:
            time.sleep(4)
            if code := replica.end():
                stage.lost.append(f"{replica.name} ends with {code}")
            replica.start().until_ready()
        time.sleep(4)


def certificate_swapped(stage):
    """The certificate is renewed while the servers run, and then overwritten by garbage."""
    stage.two_replicas()
    with stage.steady():
        time.sleep(2)
        folder = stage.folder / "renewed"
        folder.mkdir()
        cert, key = make_certificate(folder)
        # The key first: what does not fit together is refused, so that the old one is kept meanwhile.
        os.replace(key, stage.key)
        os.replace(cert, stage.cert)
        wanted = ssl.PEM_cert_to_DER_cert(stage.cert.read_text())
        began = time.monotonic()
        while any(served_certificate(r.port) != wanted for r in stage.replicas):
            if time.monotonic() - began > 60:
                stage.lost.append("the renewed certificate is not served after 60 s")
                break
            time.sleep(0.1)
        taken = time.monotonic() - began
        stage.cert.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
        for replica in stage.replicas:
            replica.running.process.send_signal(signal.SIGHUP)
        time.sleep(stage.quick(12, 4))
        if any(served_certificate(r.port) != wanted for r in stage.replicas):
            stage.lost.append("the good certificate is gone after garbage")
    stage.note(f"renewed within {taken:.1f} s without a signal; garbage refused")


def key_rotation(stage):
    """The signing key is rotated every five seconds (ES256)."""
    stage.with_postgres()
    with_es256 = stage.settings
    stage.settings = lambda: {**with_es256(), "SIGNING_ALG": "ES256"}
    stage.with_clients()
    stage.with_replicas()
    rotations = stage.quick(12, 2)
    with stage.steady():
        for _ in range(rotations):
            stage.command("key", "rotate", "--now")
            time.sleep(5)
    stage.note(f"{rotations} rotations")


def idle_connections(stage):
    """10,000 TLS connections are open and silent at one replica, after a request each."""
    stage.two_replicas(IDLE_TIMEOUT="10m")
    wanted, replica = stage.quick(10_000, 500), stage.replicas[0]
    before = replica.running.rss_mib()
    with stage.steady(), attack("idle", replica.port) as callers:
        tell(callers, wanted)
        opened = hear(callers)
        time.sleep(5)
        held = replica.running.rss_mib()
        tell(callers, "count")
        living = hear(callers)
    if living != wanted:
        stage.lost.append(f"of {wanted:,} connections {opened:,} were opened and {living:,} kept")
    stage.note(f"{opened:,} open; memory from {before:.0f} to {held:.0f} MiB: "
               f"{(held - before) * 1024 / max(1, opened):.1f} KiB each")


def slow_callers(stage):
    """Heads and bodies that come byte by byte, over 1,000 connections each (slowhttptest)."""
    stage.two_replicas()
    seconds, connections = stage.quick(25, 8), stage.quick(1_000, 100)
    url = f"https://127.0.0.1:{stage.replicas[0].port}/authorize"
    common = ["-c", str(connections), "-r", "200", "-i", "2", "-l", str(seconds), "-u", url, "-x", "8", "-p", "5"]
    with stage.steady():
        attacks = [subprocess.Popen([stage.programs["slowhttptest"], mode, *common, "-t", "POST"], cwd=stage.folder,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for mode in ("-H", "-B")]
        ends = [attack.communicate(timeout=120)[0].decode(errors="replace") for attack in attacks]
    cut = [max((int(part.split(":")[-1]) for part in text.splitlines() if "closed:" in part), default=0)
           for text in (re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", end) for end in ends)]
    stage.note(f"closed by the server: {cut[0]:,} with slow heads, {cut[1]:,} with slow bodies")


def huge_bodies(stage):
    """Eight callers at a time send bodies of 1 GB, with a length and in chunks."""
    stage.two_replicas()
    port, ending, answers = stage.replicas[0].port, threading.Event(), []
    with stage.steady():
        time.sleep(2)
        before = stage.replicas[0].running.rss_mib()
        threads = [threading.Thread(target=send_huge, args=(port, number % 2, ending, answers)) for number in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(stage.quick(15, 4))
        after = stage.replicas[0].running.rss_mib()
        ending.set()
        for thread in threads:
            thread.join()
    others = [answer for answer in answers if answer not in ("413", "cut")]
    if others:
        stage.lost.append(f"a body of 1 GB got {sorted(set(others))}")
    stage.note(f"{len(answers):,} bodies: {answers.count('413'):,} got 413, {answers.count('cut'):,} were cut; "
               f"memory from {before:.0f} to {after:.0f} MiB")


def bad_credentials(stage):
    """100,000 bad credentials as fast as they come, half of known clients, half of unknown ones."""
    stage.two_replicas()
    replica, wanted = stage.replicas[0], stage.quick(100_000, 5_000)
    known = [client_id for client_id, _ in stage.clients]
    bodies = stage.folder / "bad.txt"
    bodies.write_text("\n".join(urlencode({
        "client_id": known[number % len(known)] if number % 2 else f"nobody-{number}",
        "client_secret": f"wrong-{number}"}) for number in range(wanted)) + "\n")
    with stage.steady() as steady:
        time.sleep(1)
        token = steady.tokens[-1][1]
        seconds = stage.quick(5, 2)

        def p99():
            return load(replica.running, "GET", "/verify", f"Bearer {token}", seconds=seconds, connections=4)["p99_us"]

        alone = median(p99() for _ in range(3))
        # What any other requests over as many connections cost, since load and server share the cores.
        with flood(replica, "GET", "/healthz", ""):
            beside_others = median(p99() for _ in range(3))
        began, beside_bad = time.monotonic(), []
        with flood(replica, "POST", "/authorize", "", f"@{bodies}") as sending:
            while sending.poll() is None:
                beside_bad.append(p99())
        took = time.monotonic() - began
    stage.note(f"{wanted:,} refused in {took:.0f} s; p99 of /verify {median(beside_bad) / 1e3:.2f} ms ({alone / 1e3:.2f} ms alone, "
               f"{beside_others / 1e3:.2f} ms beside a flood of GET /healthz)")


@contextmanager
def flood(replica, *request):
    """Asks as fast as it can over sixteen connections until it is ended, or has sent each body of a file once."""
    process = subprocess.Popen(
        ["wrk", "-t1", "-c16", "-d600s", "-s", Path(__file__).parent / "load.lua",
         f"https://127.0.0.1:{replica.port}{request[1]}", "--", request[0], *request[2:]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def cold_clients(stage):
    """10,000 clients log in at once where each is new; who gets 503 comes again as told."""
    stage.with_postgres()
    stage.with_clients(stage.quick(10_008, 308))
    stage.with_replicas()
    new = stage.clients[8:]
    with stage.steady(clients=stage.clients[:8], final=False):
        with attack("burst", stage.replicas[0].port) as callers:
            tell(callers, new)
            done = hear(callers)
    if done["served"] != len(new):
        stage.lost.append(f"{len(new) - done['served']} of {len(new)} were never served")
    stage.note(f"{done['served']:,} served in {done['seconds']:.1f} s, a connection each; {done['again']:,} came again "
               "after 503")


def listen_cut(stage):
    """Tokens are revoked while the connections that wait for notifications are cut five times a second."""
    stage.two_replicas()
    ending = threading.Event()

    def cut():
        while not ending.wait(0.2):
            stage.postgres.sql("faults", "select pg_terminate_backend(pid) from pg_stat_activity "
                                         "where query ilike 'listen%' and pid <> pg_backend_pid()")

    cutter = threading.Thread(target=cut)
    with stage.steady() as steady:
        time.sleep(4)
        told = max(steady.known_after, default=0)
        steady.known_after.clear()
        cutter.start()
        time.sleep(stage.quick(15, 6))
        ending.set()
        cutter.join()
    longest = max(steady.known_after, default=0)
    if longest > 2:
        stage.lost.append(f"a revocation was known elsewhere only after {longest:.2f} s")
    stage.note(f"known at the other replica within {longest:.2f} s ({told:.3f} s before the cuts)")


def million_revocations(stage):
    """1,000,000 live revocations are there when the replicas start."""
    stage.with_postgres()
    stage.with_clients()
    number = stage.quick(1_000_000, 20_000)
    # By default the server has room for half of them.
    room = {"MAX_REVOCATIONS": "2000000"}
    stage.with_replicas(["before"], **room)
    before = stage.replicas[0]
    with stage.steady() as steady:
        time.sleep(1)
        verify = ("GET", "/verify", f"Bearer {steady.tokens[-1][1]}")
    empty_memory = before.running.rss_mib()
    stage.postgres.sql("faults", f"""
        insert into revocations (revocation_id, client_id, jti, generation, revoked_at, expires_at)
        select n, 'gone-' || n % 2000, md5(n::text), now_at * 1000, now_at, now_at + 3600
        from generate_series(1, {number}) n, (select extract(epoch from now())::bigint as now_at) clock""")
    stage.with_replicas(["a", "b"], **room)
    full = stage.replicas[0]
    ratios = []
    for _ in range(stage.quick(5, 1)):
        rates = [load(one.running, *verify, seconds=stage.quick(3, 1), connections=16)["rate"]
                 for one in (before, full)]
        ratios.append(rates[1] / rates[0])
    memory = full.running.rss_mib()
    with stage.steady():
        time.sleep(stage.quick(5, 2))
    stage.note(f"{number:,} take {memory - empty_memory:.0f} MiB; /verify at {sorted(ratios)[len(ratios) // 2]:.2f} "
               "of its rate without")


def served_certificate(port):
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))


ALL = (replica_killed, replica_frozen, rolling_restart, certificate_swapped, key_rotation, idle_connections, slow_callers, huge_bodies,
       bad_credentials, cold_clients, listen_cut, million_revocations)
