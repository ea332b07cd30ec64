"""What a fault happens to: a Postgres, replicas, maybe HAProxy, and the load. Owns how they are made and what is
counted; knows nothing of what breaks."""

import json
import os
import signal
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import changers
from attackers import hear, program, tell
from machinery import ROOT, Failure, Process, ask, clean_environment, free_port, haproxy, make_certificate, run
from postgres import Postgres
from proxy import Proxy
from steady import Steady

SECRET = "bench-only-0123456789abcdef0123456789abcdef"
ISSUER = "https://token.example"
# Clients whose tokens are ended again and again.
VICTIMS = 2
# What a program of an operator asks its token for.
ADMIN_API = f"{ISSUER}/admin/api"


class Replica:
    """One server, that may be ended and started again on its port."""

    def __init__(self, stage, name, **otherwise):
        self.stage, self.name, self.port = stage, name, free_port()
        self.env = {**stage.settings(), "LISTEN_ADDR": f"127.0.0.1:{self.port}", **otherwise}
        self.command, self.running, self.ended = [stage.binary], None, None

    def spawn(self):
        self.running = Process(self.command, self.port, self.stage.folder / f"{self.name}.log", self.env)
        return self

    def start(self):
        self.spawn().running.__enter__()
        return self

    def keep_running(self):
        """Starts it again if it has ended a second ago, as a supervisor would; whether it did."""
        if self.running.process.poll() is None:
            self.ended = None
        elif not self.ended:
            self.ended = time.monotonic()
        elif time.monotonic() - self.ended > 1:
            self.spawn()
            return True
        return False

    def end(self, number=signal.SIGTERM):
        """Sends the signal and waits for the end; its exit code."""
        self.running.process.send_signal(number)
        code = self.running.process.wait(60)
        self.running = None
        return code

    def __enter__(self):
        return self if self.running else self.start()

    def __exit__(self, *_):
        if self.running:
            self.running.__exit__()

    def ready(self):
        return self.state() is not None

    def state(self):
        """What it says that it is, `ready` or `degraded: …`; None when it does not want to be asked."""
        try:
            status, _, body = ask(self.port, "GET", "/readyz")
        except OSError:
            return None
        return json.loads(body)["status"] if status == 200 else None

    def until_ready(self, seconds=30):
        return self.until(lambda state: state is not None, seconds, "ready")

    def until(self, right, seconds, what):
        """Seconds until it says of itself what is right."""
        began = time.monotonic()
        while not right(self.state()):
            if time.monotonic() - began > seconds:
                raise Failure(f"{self.name} is not {what} after {seconds} s")
            time.sleep(0.02)
        return time.monotonic() - began

    def served(self):
        """How many requests its log has, beside the balancer's own."""
        return self.log().count('"route"') - self.log().count('"/readyz"')

    def log(self):
        return (self.stage.folder / f"{self.name}.log").read_text()


class Stage:
    """All of one fault; what it starts ends with `stack`."""

    def __init__(self, args, stack, folder, programs):
        self.args, self.stack, self.folder, self.programs = args, stack, folder, programs
        self.binary = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "dist" / "token-server"
        self.clients_maker = self.binary.parent / "examples/clients"
        self.cert, self.key = make_certificate(folder)
        self.database, self.load, self.replicas, self.notes, self.lost = None, None, [], [], []

    def quick(self, whole, short):
        return short if self.args.quick else whole

    def settings(self):
        # All callers are at one address.
        return {"SECRET": SECRET, "ISSUER": ISSUER, "DATABASE_URL": self.database, "TLS_CERT": str(self.cert),
                "TLS_KEY": str(self.key), "OPS_LISTEN": "off", "SHUTDOWN_GRACE": "10s",
                "MAX_CONNECTIONS_PER_SOURCE": "100%"}

    def environment(self):
        """Of a command, as if an operator called it."""
        return {**clean_environment(), **self.settings()}

    def command(self, *arguments):
        """What the command line prints."""
        return run([self.binary, *arguments], env=self.environment(), cwd=self.folder)

    def with_postgres(self, **otherwise):
        self.postgres = self.stack.enter_context(
            Postgres(self.programs["postgres"], self.folder / "postgres", **otherwise))
        self.postgres.sql("postgres", "create database faults")
        self.database = self.postgres.database("faults")

    def with_standby(self):
        """A second Postgres that follows the first one, asynchronously."""
        self.standby = self.stack.enter_context(
            Postgres(self.programs["postgres"], self.folder / "standby", primary=self.postgres))

    def with_proxy(self, **settings):
        """Between the replicas and Postgres."""
        self.proxy = self.stack.enter_context(Proxy(self.folder, self.postgres.port, **settings))
        self.database = f"postgres://bench@127.0.0.1:{self.proxy.port}/faults?sslmode=disable"

    def with_pgbouncer(self):
        version = run([self.programs["pgbouncer"], "--version"]).split()[1]
        if tuple(map(int, version.split(".")[:2])) < (1, 21):
            raise Failure(f"pgbouncer {version} cannot prepare statements in transaction mode: 1.21 or later is needed")
        port, path = free_port(), self.folder / "pgbouncer.ini"
        path.write_text(f"""[databases]
faults = host=127.0.0.1 port={self.postgres.port} user=bench
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_prepared_statements = 200
ignore_startup_parameters = extra_float_digits,options
""")
        self.stack.enter_context(Process([*self.postgres.user, self.programs["pgbouncer"], path], port,
                                         self.folder / "pgbouncer.log"))
        self.database = f"postgres://bench@127.0.0.1:{port}/faults"

    def with_clients(self, number=8):
        lines = run([self.clients_maker, str(number + VICTIMS), "0"], env=self.environment(), cwd=self.folder).splitlines()
        clients = [tuple(part.partition("=")[2] for part in text.split("&")) for text in lines]
        self.clients, self.victims = clients[VICTIMS:], clients[:VICTIMS]
        made = json.loads(self.command("client", "create", "operator", "--scope", "admin:read admin:write",
                                       "--audience", ADMIN_API, "--json"))
        self.operator = ("operator", made["client_secret"])

    def with_replicas(self, names=("a", "b"), **otherwise):
        self.replicas = [self.stack.enter_context(Replica(self, name, **otherwise)) for name in names]
        for replica in self.replicas:
            replica.until_ready()

    def two_replicas(self, **otherwise):
        self.with_postgres()
        self.with_clients()
        self.with_replicas(**otherwise)

    def with_haproxy(self):
        balancer = haproxy(self.programs["haproxy"], self.folder, [replica.port for replica in self.replicas])
        self.balancer = self.stack.enter_context(balancer).port
        time.sleep(3)  # Its checks have found both.

    @contextmanager
    def steady(self, balanced=False, clients=None, final=True, newcomer=False, **options):
        """Load while the block runs; then, when all is well again, each acknowledged write is looked for: also at a
        `newcomer`, which knows only what the database has."""
        targets = {"haproxy": self.balancer} if balanced else {r.name: r.port for r in self.replicas}
        # HAProxy gives connections to the replicas in turn: both get each kind of request.
        options["callers"] = 2 if balanced else 1
        with Steady(targets, clients or self.clients, self.operator, self.victims, ADMIN_API, **options) as self.load:
            yield self.load
        if final:
            time.sleep(3)
            asked = [*self.replicas]
            if newcomer:
                asked.append(self.stack.enter_context(Replica(self, "newcomer")))
                asked[-1].until_ready()
            self.load.targets = {r.name: r.port for r in asked}
            self.lost += self.load.final_check()

    def admin(self, port):
        """The header of a program of the operator."""
        client_id, secret = self.operator
        _, _, body = ask(port, "POST", "/token", "", urlencode({
            "grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "audience": ADMIN_API}))
        return f"Bearer {json.loads(body)['access_token']}"

    @contextmanager
    def changers(self, port, callers, seconds, tokens):
        """A program that changes things as much as it can, from when it is told to begin; it tells what it did."""
        with program(changers.__file__, port) as changing:
            tell(changing, {"clients": self.clients, "admin": self.admin(port), "callers": callers, "for": seconds,
                            "tokens": tokens})
            hear(changing)
            yield changing

    @contextmanager
    def outage(self):
        """A time in which replicas cannot read from the database."""
        span = [time.monotonic(), float("inf")]
        self.load.outages.append(span)
        yield
        span[1] = time.monotonic()

    def until_whole(self, seconds=30):
        """Seconds until each replica says that it is ready, and lacks nothing."""
        return max(replica.until(lambda state: state == "ready", seconds, "ready without a lack")
                   for replica in self.replicas)

    def until_degraded(self, seconds=20):
        """Seconds until each replica says that it lacks its database."""
        try:
            return max(replica.until(lambda state: state is not None and state.startswith("degraded"), seconds, "degraded")
                       for replica in self.replicas)
        except Failure as failure:
            self.lost.append(str(failure))
            return float(seconds)

    def round_trip(self):
        """Milliseconds to the database and back, where it is far."""
        text = run([f"{self.postgres.binaries}/psql", "-X", "-q", self.database, "-c", "\\timing on", *["-c", "select 1"] * 21],
                   env=clean_environment())
        return median(float(line.split()[1]) for line in text.splitlines() if line.startswith("Time:"))

    def note(self, text):
        self.notes.append(text)

    def row(self, name):
        lost = [f"{text} ({times} times)" if times > 1 else text for text, times in Counter(self.lost).items()]
        row = {"fault": name, "note": "; ".join(self.notes), "complaints": lost, "requests": 0,
               "wrong": len(self.lost), "refused": 0, "failed": 0, "verify": None, "login": None}
        if self.load:
            total = lambda outcome: sum(f.counts[outcome] for f in self.load.figures.values())
            row.update(requests=sum(f.counts.total() for f in self.load.figures.values()),
                       wrong=total("wrong") + len(self.lost), refused=total("refused"), failed=total("failed"),
                       late=self.load.late, known_after=max(self.load.known_after, default=None))
            for kind in ("verify", "login"):
                row[kind] = max(f.longest for (of, _), f in self.load.figures.items() if of == kind)
            row["kinds"] = {f"{kind} at {target}": {**f.counts, "longest": f.longest, "slowest": f.slowest}
                            for (kind, target), f in self.load.figures.items()}
            row["complaints"] = [" ".join(map(str, complaint)) for complaint in self.load.complaints] + lost
            if self.load.late:
                row["note"] += f"; {self.load.late} answers for tokens revoked within 2 s before the database went"
        return row
