"""A throw-away Postgres, and a standby of it. Owns how they are made, copied, stopped and made to change their roles;
knows nothing of what is measured."""

import os
import pwd
import signal
import subprocess
import time
from contextlib import suppress

from machinery import Failure, Process, clean_environment, free_port, run


class Postgres(Process):
    """On the loopback interface. It does without what only a crash of the machine needs; it loses nothing when it is
    killed."""

    def __init__(self, binaries, folder, primary=None, **otherwise):
        folder.mkdir()
        self.binaries, self.data = binaries, folder / "data"
        # Postgres refuses to run as root.
        self.user = []
        if os.geteuid() == 0:
            user = next((u for u in ("postgres", "nobody") if u in {p.pw_name for p in pwd.getpwall()}))
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
            self.user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        if primary:
            self.program("pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "bench", "-D", self.data, "-R",
                         "-c", "fast", "--no-sync")
        else:
            self.program("initdb", "-D", self.data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
                         "full_page_writes": "off", "max_connections": "100", **otherwise}
        self.serve(free_port(), folder.parent / f"{folder.name}.log")

    def serve(self, port, log):
        """Starts it, or starts it again after it was ended or killed."""
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        # SIGINT is its fast shutdown.
        super().__init__([*self.user, f"{self.binaries}/postgres", "-D", self.data, "-p", str(port), *options], port,
                         log, stop_signal=signal.SIGINT)

    def __enter__(self):
        super().__enter__()
        # It listens before it lets anybody in.
        deadline = time.monotonic() + 30
        while subprocess.run([f"{self.binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            if time.monotonic() > deadline:
                raise Failure(f"Postgres lets nobody in:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)
        return self

    def program(self, name, *arguments):
        """One of its programs, run as its user to its end; what that prints."""
        return run([*self.user, f"{self.binaries}/{name}", *arguments], env=clean_environment(), cwd="/")

    def signal_all(self, number):
        """To the server and each of its processes."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True)
        for pid in (self.process.pid, *map(int, children.stdout.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def database(self, database, user="bench"):
        """Its URL."""
        return f"postgres://{user}@127.0.0.1:{self.port}/{database}"

    def sql(self, database, *texts):
        """Each text is a transaction of its own, or statements that must be in none; what they print."""
        commands = [part for text in texts for part in ("-c", text)]
        return run([f"{self.binaries}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.database(database),
                    *commands], env=clean_environment())

    def set(self, **settings):
        """Settings for all of its sessions, as they are from now on; None is the default."""
        texts = [f"alter system reset {name}" if value is None else f"alter system set {name} = '{value}'"
                 for name, value in settings.items()]
        self.sql("postgres", *texts, "select pg_reload_conf()")

    def end(self):
        """Its fast shutdown."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def ask_for_password(self, user):
        """Of this user from now on; whoever is connected stays so."""
        (self.data / "pg_hba.conf").write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")
        self.sql("postgres", "select pg_reload_conf()")

    def dump(self, database, path):
        """The whole database into a file."""
        path.write_bytes(b"")
        path.chmod(0o666)
        self.program("pg_dump", "-Fc", "-f", path, self.database(database))

    def put_back(self, database, path):
        """The database as it was when it was dumped, in place of what it is: whoever is connected is thrown out."""
        self.sql("postgres", f"drop database {database} with (force)", f"create database {database}")
        self.program("pg_restore", "--single-transaction", "-d", self.database(database), path)

    def hand_over(self, standby):
        """Waits until the standby has all that was committed here."""
        end = self.sql("postgres", "select pg_current_wal_lsn()").strip()
        deadline = time.monotonic() + 30
        while standby.sql("postgres", f"select pg_last_wal_replay_lsn() >= '{end}'").strip() != "t":
            if time.monotonic() > deadline:
                raise Failure("the standby does not catch up within 30 s")
            time.sleep(0.05)

    def lag(self):
        """Of a standby: from now on it gets no more of what its primary commits."""
        self.set(primary_conninfo="")
        deadline = time.monotonic() + 30
        while self.sql("postgres", "select count(*) from pg_stat_wal_receiver").strip() != "0":
            if time.monotonic() > deadline:
                raise Failure("the standby still streams after 30 s")
            time.sleep(0.05)

    def promote(self):
        """Of a standby: from now on it is a primary."""
        if self.sql("postgres", "select pg_promote()").strip() != "t":
            raise Failure(f"the standby is not promoted:\n{self.log.read_text()[-2000:]}")

    def sessions(self, database):
        """How many others are connected."""
        return int(self.sql("postgres", f"select count(*) from pg_stat_activity where datname = '{database}'"))
