"""Load that knows the right answer to each of its requests, for bench/faults. Owns what is asked, what counts as
wrong, and the longest time without a good answer; knows nothing of faults."""

import base64
import http.client
import json
import random
import ssl
import threading
import time
from collections import Counter, deque
from urllib.parse import urlencode

# What the feed promises without notifications: a replica knows by then what another one acknowledged.
KNOWN_WITHIN = 2.0
# Where clients that nobody has seen yet log in from: an address that never failed.
NEWCOMERS = "127.0.0.4"
FORM = "application/x-www-form-urlencoded"


class Broken(Exception):
    """No answer: refused, cut or too slow."""


class Caller:
    """One kept connection. Bad credentials come from another address than good ones, as they would."""

    def __init__(self, port, source="127.0.0.1", timeout=15):
        self.port, self.source, self.timeout = port, source, timeout
        self.connection, self.used = None, False
        self.context = ssl._create_unverified_context()  # our own certificate, our own loopback

    def ask(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        while True:
            kept, answered = self.used, False
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPSConnection(
                        "127.0.0.1", self.port, context=self.context, timeout=self.timeout,
                        source_address=(self.source, 0))
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                answered = True
                text = answer.read()
                self.used = not answer.will_close
                if answer.will_close:
                    self.close()
                return answer.status, dict(answer.getheaders()), text
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # A kept connection may be closed by the server just when it is used again (RFC 9110 §9.2.2): any
                # client then asks once more over a new one.
                gone = isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError,
                                          ssl.SSLEOFError))
                if not (kept and gone and not answered):
                    raise Broken(f"{method} {path}: {type(error).__name__}: {error}") from error

    def form(self, path, **fields):
        return self.ask("POST", path, urlencode(fields), Content_Type=FORM)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection, self.used = None, False


class Figures:
    """Of one kind of request at one target. Shared by threads; each change holds the lock."""

    def __init__(self, now):
        self.counts, self.last_good, self.longest, self.slowest = Counter(), now, 0.0, 0.0

    def add(self, outcome, took, now):
        self.counts[outcome] += 1
        self.slowest = max(self.slowest, took)
        if outcome == "good":
            self.longest = max(self.longest, now - self.last_good)
            self.last_good = now


class Steady:
    """Starts with the `with` block and ends with it. Targets: a name and a port each."""

    def __init__(self, targets, clients, operator=None, *, patience=15):
        self.targets, self.clients, self.operator, self.patience = targets, clients, operator, patience
        self.ending, self.lock, self.threads = threading.Event(), threading.Lock(), []
        self.figures, self.complaints = {}, []
        self.tokens = deque(maxlen=500)
        # Acknowledged writes: (when, token) and (when, client_id, secret).
        self.gone, self.made = [], []
        self.known_after = []
        self.outages, self.late = [], 0
        self.admin_token = None

    def __enter__(self):
        for name, port in self.targets.items():
            caller = Caller(port)
            for client in self.clients:
                self.login(caller, client)
        if self.operator:
            self.admin_token = self.token_of(Caller(self.any_port()), self.operator)
        self.began = time.monotonic()
        for name in self.targets:
            for kind, pace in (("verify", 0), ("login", 0), ("forged", 0.01), ("bad login", 0.05), ("revoked", 0.02)):
                self.start(kind, name, pace)
        self.start("revoke", next(iter(self.targets)), 0.1)
        if self.operator:
            self.start("create", list(self.targets)[-1], 0.4)
            self.start("created", next(iter(self.targets)), 0.1)
        return self

    def __exit__(self, kind, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()
        self.ended = time.monotonic()
        for figures in self.figures.values():
            figures.longest = max(figures.longest, self.ended - figures.last_good)

    def any_port(self):
        return next(iter(self.targets.values()))

    def start(self, kind, target, pace):
        self.figures[kind, target] = Figures(time.monotonic())
        thread = threading.Thread(target=self.work, args=(kind, target, pace), daemon=True)
        self.threads.append(thread)
        thread.start()

    def work(self, kind, target, pace):
        source = {"bad login": "127.0.0.2", "forged": "127.0.0.3", "created": NEWCOMERS}.get(kind, "127.0.0.1")
        caller = Caller(self.targets[target], source, self.patience)
        act = getattr(self, kind.replace(" ", "_"))
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                outcome = act(caller)
            except Broken as error:
                outcome = "failed"
                self.complain("failed", kind, target, str(error))
            now = time.monotonic()
            if outcome:
                with self.lock:
                    self.figures[kind, target].add(outcome, now - began, now)
            self.ending.wait(max(pace, 0.2 if outcome == "failed" else 0.02 if outcome != "good" else 0))

    def complain(self, outcome, kind, target, text):
        with self.lock:
            if sum(1 for other in self.complaints if other[0] == outcome) < 8:
                self.complaints.append((outcome, f"{time.monotonic() - self.began:.1f} s", kind, target, text[:300]))

    # What is right is the first argument; 429 and 503 are refusals, with Retry-After; all else is wrong.
    def judge(self, right, answer, kind, target=""):
        status, headers, body = answer
        if right:
            return "good"
        if status in (429, 503):
            if "retry-after" in {name.lower() for name in headers}:
                return "refused"
        self.complain("wrong", kind, target, f"{status} {body[:200]!r}")
        return "wrong"

    def login(self, caller, client=None):
        client_id, secret = client or random.choice(self.clients)
        answer = caller.form("/authorize", client_id=client_id, client_secret=secret)
        token = json.loads(answer[2]).get("token") if answer[0] == 200 else None
        if token:
            self.tokens.append((client_id, token))
        return self.judge(token and claims(token)["client_id"] == client_id, answer, "login", caller.port)

    def bad_login(self, caller):
        client_id, secret = random.choice(self.clients)
        answer = caller.form("/authorize", client_id=client_id, client_secret=secret[:-6] + "000000")
        return self.judge(answer[0] == 401, answer, "bad login", caller.port)

    def verify(self, caller):
        client_id, token = random.choice(self.tokens)
        answer = caller.ask("GET", "/verify", Authorization=f"Bearer {token}")
        right = answer[0] == 200 and json.loads(answer[2])["client_id"] == client_id
        return self.judge(right, answer, "verify", caller.port)

    def forged(self, caller):
        _, token = random.choice(self.tokens)
        head, body, signature = token.split(".")
        middle = len(signature) // 2
        other = "A" if signature[middle] != "A" else "B"
        answer = caller.ask("GET", "/verify", Authorization=f"Bearer {head}.{body}.{signature[:middle]}{other}"
                                                            f"{signature[middle + 1:]}")
        return self.judge(answer[0] == 401, answer, "forged", caller.port)

    def token_of(self, caller, client, **more):
        client_id, secret = client
        status, _, body = caller.form("/token", grant_type="client_credentials", client_id=client_id,
                                      client_secret=secret, **more)
        return json.loads(body)["access_token"] if status == 200 else None

    def revoke(self, caller):
        client = random.choice(self.clients)
        token = self.token_of(caller, client)
        if not token:
            return None
        basic = base64.b64encode(":".join(client).encode()).decode()
        answer = caller.ask("POST", "/revoke", urlencode({"token": token}), Content_Type=FORM,
                            Authorization=f"Basic {basic}")
        outcome = self.judge(answer[0] == 200, answer, "revoke", caller.port)
        if outcome == "good":
            at = time.monotonic()
            self.gone.append((at, token))
            if len(self.gone) % 5 == 1:
                self.watch(token, at)
        return outcome

    def watch(self, token, at):
        """How long until the other targets refuse it: `known_after` has the longest of each."""
        for name, port in list(self.targets.items())[1:]:
            caller = Caller(port, timeout=3)
            try:
                while time.monotonic() - at < 5 and not self.ending.is_set():
                    if caller.ask("GET", "/verify", Authorization=f"Bearer {token}")[0] == 401:
                        self.known_after.append(time.monotonic() - at)
                        break
                    time.sleep(0.005)
            except Broken:
                pass  # It is down; that the token is refused later is judged by `revoked`.
            caller.close()

    def revoked(self, caller):
        until = time.monotonic() - KNOWN_WITHIN
        known = [entry for entry in self.gone if entry[0] < until]
        if not known:
            return None
        # The newest and any other: a replica that forgets what it knew is as wrong as one that never learns.
        at, token = random.choice([known[-1], random.choice(known)])
        answer = caller.ask("GET", "/verify", Authorization=f"Bearer {token}")
        if answer[0] == 200 and self.could_not_know(at):
            self.late += 1
            return None
        return self.judge(answer[0] == 401, answer, "revoked", caller.port)

    def could_not_know(self, at):
        """Its news could not be read: the database went away within two seconds of it."""
        now = time.monotonic()
        return any(begin - KNOWN_WITHIN < at and now < end + KNOWN_WITHIN for begin, end in self.outages)

    def created(self, caller):
        until = time.monotonic() - KNOWN_WITHIN
        known = [entry for entry in self.made if entry[0] < until]
        if not known:
            return None
        _, client_id, secret = random.choice(known)
        answer = caller.form("/authorize", client_id=client_id, client_secret=secret)
        return self.judge(answer[0] == 200, answer, "created", caller.port)

    def create(self, caller):
        if not self.admin_token:
            self.admin_token = self.token_of(caller, self.operator)
            return None
        number = f"{random.getrandbits(64):016x}"
        body = json.dumps({"client_id": f"new-{number}"})
        answer = caller.ask("POST", "/admin/api/v1/clients", body, Content_Type="application/json",
                            Authorization=f"Bearer {self.admin_token}", Idempotency_Key=number)
        outcome = self.judge(answer[0] == 201, answer, "create", caller.port)
        if outcome == "good":
            self.made.append((time.monotonic(), f"new-{number}", json.loads(answer[2])["secret"]["client_secret"]))
        return outcome

    def final_check(self):
        """Every acknowledged write, at every target."""
        lost = []
        for name, port in self.targets.items():
            caller = Caller(port, NEWCOMERS)
            for _, token in self.gone:
                if caller.ask("GET", "/verify", Authorization=f"Bearer {token}")[0] != 401:
                    lost.append(f"{name}: a revoked token is good")
            for _, client_id, secret in self.made:
                status = caller.form("/authorize", client_id=client_id, client_secret=secret)[0]
                if status != 200:
                    lost.append(f"{name}: {client_id}, which was acknowledged, gets {status}")
            caller.close()
        return lost


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

