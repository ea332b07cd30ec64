"""What a fault happens to: a Postgres, replicas, maybe HAProxy, and the load. Owns how they are made and what is
counted; knows nothing of what breaks."""

import json
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

from machinery import ROOT, Failure, Postgres, Process, ask, free_port, haproxy, make_certificate, run
from steady import Steady

SECRET = "bench-only-0123456789abcdef0123456789abcdef"
ISSUER = "https://token.example"


class Replica:
    """One server, that may be ended and started again on its port."""

    def __init__(self, stage, name, **otherwise):
        self.stage, self.name, self.port = stage, name, free_port()
        self.env = {**stage.settings(), "LISTEN_ADDR": f"127.0.0.1:{self.port}", **otherwise}
        self.command, self.running = [stage.binary], None

    def start(self):
        self.running = Process(self.command, self.port, self.stage.folder / f"{self.name}.log", self.env)
        self.running.__enter__()
        return self

    def end(self, number=signal.SIGTERM):
        """Sends the signal and waits for the end; its exit code."""
        self.running.process.send_signal(number)
        code = self.running.process.wait(60)
        self.running = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.running:
            self.running.__exit__()

    def ready(self):
        try:
            return ask(self.port, "GET", "/readyz")[0] == 200
        except OSError:
            return False

    def until_ready(self, seconds=30):
        began = time.monotonic()
        while not self.ready():
            if time.monotonic() - began > seconds:
                raise Failure(f"{self.name} is not ready after {seconds} s")
            time.sleep(0.02)
        return time.monotonic() - began


class Stage:
    """All of one fault; what it starts ends with `stack`."""

    def __init__(self, args, stack, folder, programs):
        self.args, self.stack, self.folder, self.programs = args, stack, folder, programs
        self.binary = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "dist" / "token-server"
        self.clients_maker = self.binary.parent / "examples/clients"
        self.cert, self.key = make_certificate(folder)
        self.database, self.load, self.notes, self.lost = None, None, [], []

    def quick(self, whole, short):
        return short if self.args.quick else whole

    def settings(self):
        return {"SECRET": SECRET, "ISSUER": ISSUER, "DATABASE_URL": self.database, "TLS_CERT": str(self.cert),
                "TLS_KEY": str(self.key), "OPS_LISTEN": "off", "SHUTDOWN_GRACE": "10s"}

    def with_postgres(self):
        self.postgres = self.stack.enter_context(Postgres(self.programs["postgres"], self.folder / "postgres"))
        self.postgres.sql("postgres", "create database faults")
        self.database = self.postgres.database("faults")

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
        lines = run([self.clients_maker, str(number), "0"], env={**os.environ, **self.settings()},
                    cwd=self.folder).splitlines()
        self.clients = [tuple(part.partition("=")[2] for part in text.split("&")) for text in lines]
        made = json.loads(run([self.binary, "client", "create", "operator", "--scope", "admin:read admin:write",
                               "--json"], env={**os.environ, **self.settings()}, cwd=self.folder))
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
    def steady(self, balanced=False, clients=None, final=True, **options):
        """Load while the block runs; then, when all is well again, each acknowledged write is looked for."""
        targets = {"haproxy": self.balancer} if balanced else {r.name: r.port for r in self.replicas}
        with Steady(targets, clients or self.clients, self.operator, **options) as self.load:
            yield self.load
        if final:
            time.sleep(3)
            self.load.targets = {r.name: r.port for r in self.replicas}
            self.lost += self.load.final_check()

    @contextmanager
    def outage(self):
        """A time in which replicas cannot read from the database."""
        span = [time.monotonic(), float("inf")]
        self.load.outages.append(span)
        yield
        span[1] = time.monotonic()

    def note(self, text):
        self.notes.append(text)

    def row(self, name):
        row = {"fault": name, "note": "; ".join(self.notes), "complaints": self.lost, "requests": 0, "wrong": len(self.lost),
               "refused": 0, "failed": 0, "verify": None, "login": None}
        if self.load:
            total = lambda outcome: sum(f.counts[outcome] for f in self.load.figures.values())
            row.update(requests=sum(f.counts.total() for f in self.load.figures.values()),
                       wrong=total("wrong") + len(self.lost), refused=total("refused"), failed=total("failed"),
                       late=self.load.late, known_after=max(self.load.known_after, default=None))
            for kind in ("verify", "login"):
                row[kind] = max(f.longest for (of, _), f in self.load.figures.items() if of == kind)
            row["kinds"] = {f"{kind} at {target}": {**f.counts, "longest": f.longest, "slowest": f.slowest}
                            for (kind, target), f in self.load.figures.items()}
            row["complaints"] = [" ".join(map(str, complaint)) for complaint in self.load.complaints] + self.lost
            if self.load.late:
                row["note"] += f"; {self.load.late} answers for tokens revoked within 2 s before the database went"
        return row
