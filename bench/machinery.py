"""What the bench runs on: programs, a certificate, servers and load. Owns how processes are started, watched and
ended; knows nothing of what is measured."""

import glob
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """Something that the user should read, without a traceback."""


INSTALL = {
    "wrk": "apt-get install wrk",
    "postgres": "apt-get install postgresql",
    "openssl": "apt-get install openssl",
    "cargo": "see https://rustup.rs",
    "haproxy": "apt-get install haproxy",
    "slowhttptest": "apt-get install slowhttptest",
    "faketime": "apt-get install faketime",
    "pgbouncer": "apt-get install pgbouncer",
}


def find_programs(*needed):
    """Fails naming every package that is missing."""
    postgres = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
    found = {"postgres": postgres[-1] if postgres else None}
    if not found["postgres"] and shutil.which("initdb"):
        found["postgres"] = str(Path(shutil.which("initdb")).resolve().parent)
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    for name in ("openssl", "cargo", "npm", "node", *needed):
        found[name] = shutil.which(name, path=path)
    missing = [f"{name}: {INSTALL[name]}" for name in ("postgres", "openssl", "cargo", *needed) if not found[name]]
    if missing:
        raise Failure("the bench needs what is not installed:\n  " + "\n  ".join(missing))
    return found


def run(command, **options):
    """Runs a command to its end; its output is shown only when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))[:200]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def make_certificate(folder):
    cert, key = folder / "cert.pem", folder / "key.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", cert])
    return cert, key


class Process:
    """A server of ours: started, awaited on its port, and ended with the `with` block."""

    def __init__(self, command, port, log, env=None, stop_signal=15, piped=False):
        self.port, self.log, self.stop_signal = port, log, stop_signal
        # Appended to, so that emptying the file between measurements is safe.
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                command, env={**clean_environment(), **(env or {})}, stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else out, stderr=out, text=True, cwd=log.parent)

    def __enter__(self):
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and self.process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                        return self
                time.sleep(0.005)
            raise Failure(f"{self.process.args[0]} does not start:\n{self.log.read_text()[-2000:]}")
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def rss_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def cpu_seconds(self):
        return ticks(f"/proc/{self.process.pid}/stat") / TICKS

    def lane_threads(self, lane):
        """How many threads a lane has, and the processor time they took."""
        tasks = [Path(p) for p in glob.glob(f"/proc/{self.process.pid}/task/*")]
        ours = [t for t in tasks if (t / "comm").read_text().startswith(f"{lane}-")]
        return len(ours), sum(ticks(t / "stat") for t in ours) / TICKS


def haproxy(program, folder, replicas):
    """HAProxy by the configuration that deploy/ ships, with the ports of this run; `replicas` are those of `a` and `b`.
    They are asked directly as well, and so are not told by a PROXY header whose a connection is."""
    port = free_port()
    before, _, after = (ROOT / "deploy/compose/haproxy.cfg").read_text().partition("# Docker's names")
    text = before + "frontend" + after.partition("frontend")[2]
    text = text.replace("resolvers names init-addr last,libc,none", "").replace(" send-proxy-v2", "").replace("bind :2600", f"bind 127.0.0.1:{port}")
    for name, replica in zip("ab", replicas):
        text = text.replace(f"token-server-{name}:2600", f"127.0.0.1:{replica}")
    path = folder / "haproxy.cfg"
    path.write_text(text)
    return Process([program, "-db", "-f", path], port, folder / "haproxy.log")


class Elsewhere:
    """A server that others started, of which no more is known than its address."""

    log = None

    def __init__(self, url):
        self.url = url

    def cpu_seconds(self):
        return 0.0


def ticks(stat):
    fields = Path(stat).read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def clean_environment():
    """Ours, without anything a setting of a server could hide in."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def ask(port, method, path, authorization="", body="", host="127.0.0.1"):
    """One request by Python: status, headers and body."""
    context = ssl._create_unverified_context()  # our own certificate, our own loopback
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=10)
    headers = {"Authorization": authorization} if authorization else {}
    if method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheaders(), text


def latencies(port, path, bodies, status, times):
    """Milliseconds of each of `times` requests, for each of the bodies in turn, over one connection."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=ssl._create_unverified_context(), timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    taken = {name: [] for name in bodies}
    for number in range(times + 5):
        for name, body in bodies.items():
            began = time.perf_counter()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != status:
                raise Failure(f"{path} with {name}: {answer.status} instead of {status}")
            if number >= 5:
                taken[name].append((time.perf_counter() - began) * 1e3)
    connection.close()
    return taken


def load(server, method, path, authorization="", body="", *, seconds, connections, threads=1, close=False):
    """A burst of load by wrk, over kept connections or (`close`) a new one for each request; its figures, and the
    processor time per request of a server of ours."""
    if server.log:
        os.truncate(server.log, 0)
    before = server.cpu_seconds()
    done = subprocess.run(
        wrk(server, method, path, authorization, body, seconds, connections, threads, close),
        capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode != 0:
        raise Failure(f"wrk failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    good = figures["requests"] - figures["bad_status"]
    if figures["bad_status"] or figures["socket_errors"] or not good:
        log = server.log.read_text()[-1000:] if server.log else ""
        raise Failure(f"{method} {path}: not every request was answered with 200: {figures}\n{log}")
    return {"rate": good / figures["seconds"], "count": good,
            "cpu_us": (server.cpu_seconds() - before) / good * 1e6,
            "p50_us": figures["p50_us"], "p99_us": figures["p99_us"]}


def wrk(server, method, path, authorization, body, seconds, connections, threads=1, close=False):
    return ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / "load.lua",
            server.url + path, "--", method, authorization, body, "close" if close else ""]


@contextmanager
def background(server, method, path, authorization, body, connections):
    """Load that nobody measures, until the end of the `with` block."""
    command = wrk(server, method, path, authorization, body, 3_600, connections)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            time.sleep(0.5)
            yield
            if process.poll() is not None:
                raise Failure(f"{method} {path} beside the load has ended early")
        finally:
            process.kill()
