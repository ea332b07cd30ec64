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
from contextlib import contextmanager, suppress
from urllib.parse import urlencode

from machinery import Failure

# What the feed promises without notifications: a replica knows by then what another one acknowledged.
KNOWN_WITHIN = 2.0
# By how many seconds a token may be dated wrongly.
DATED_WITHIN = 2
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
    """Starts with the `with` block and ends with it. Targets: a name and a port each. Of `victims`, which are clients as
    well, all tokens are ended again and again, by the operator, whose tokens are for `admin_audience`."""

    def __init__(self, targets, clients, operator=None, victims=(), admin_audience=None, *, callers=1,
                 patience=15):
        self.targets, self.clients, self.operator, self.patience = targets, clients, operator, patience
        self.victims, self.admin_audience, self.callers = victims, admin_audience, callers
        self.ending, self.silent, self.lock, self.threads = threading.Event(), threading.Event(), threading.Lock(), []
        self.figures, self.complaints = {}, []
        # (client_id, token, when).
        self.tokens = deque(maxlen=500)
        # Acknowledged writes: (when, token) and (when, client_id, secret).
        self.gone, self.made = [], []
        self.known_after = []
        # Spans of time: when no news could be read; when clients were made that are gone; when all tokens were ended.
        self.outages, self.losses, self.ends, self.late = [], [], [], 0
        self.admin_token, self.began = None, time.monotonic()

    def __enter__(self):
        for name, port in self.targets.items():
            caller = Caller(port)
            for client in self.clients:
                self.login(caller, client)
        if self.operator:
            self.admin(Caller(self.any_port()))
        self.began = time.monotonic()
        for name in self.targets:
            for kind, pace in (("verify", 0), ("login", 0), ("forged", 0.01), ("bad login", 0.05), ("revoked", 0.02)):
                for _ in range(self.callers):
                    self.start(kind, name, pace)
        self.start("revoke", next(iter(self.targets)), 0.1)
        if self.operator:
            self.start("create", list(self.targets)[-1], 0.4)
            self.start("created", next(iter(self.targets)), 0.1)
        if self.operator and self.victims:
            self.start("end", list(self.targets)[-1], 1)
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
        self.figures.setdefault((kind, target), Figures(time.monotonic()))
        thread = threading.Thread(target=self.work, args=(kind, target, pace), daemon=True)
        self.threads.append(thread)
        thread.start()

    def work(self, kind, target, pace):
        source = {"bad login": "127.0.0.2", "forged": "127.0.0.3", "created": NEWCOMERS, "end": "127.0.0.5"}.get(
            kind, "127.0.0.1")
        caller = Caller(self.targets[target], source, self.patience)
        act = getattr(self, kind.replace(" ", "_"))
        while not self.ending.is_set():
            if self.silent.is_set():
                self.ending.wait(0.05)
                continue
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
        asked_at, asked = time.time(), time.monotonic()
        answer = caller.form("/authorize", client_id=client_id, client_secret=secret)
        token = json.loads(answer[2]).get("token") if answer[0] == 200 else None
        if token:
            self.tokens.append((client_id, token, asked))
            if not asked_at - DATED_WITHIN < claims(token)["iat"] < time.time() + DATED_WITHIN:
                self.complain("wrong", "login", caller.port, f"iat is {claims(token)['iat'] - asked_at:.0f} s from now")
                return "wrong"
        return self.judge(token and claims(token)["client_id"] == client_id, answer, "login", caller.port)

    def bad_login(self, caller):
        client_id, secret = random.choice(self.clients)
        answer = caller.form("/authorize", client_id=client_id, client_secret=secret[:-6] + "000000")
        return self.judge(answer[0] == 401, answer, "bad login", caller.port)

    def verify(self, caller):
        tokens = self.tokens
        if not tokens:
            return None
        client_id, token, issued = random.choice(tokens)
        answer = caller.ask("GET", "/verify", Authorization=f"Bearer {token}")
        if answer[0] == 401 and self.may_have_ended(issued):
            return None
        right = answer[0] == 200 and json.loads(answer[2])["client_id"] == client_id
        return self.judge(right, answer, "verify", caller.port)

    def forged(self, caller):
        tokens = self.tokens
        if not tokens:
            return None
        head, body, signature = random.choice(tokens)[1].split(".")
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
                self.watch(token, at, caller.port)
        return outcome

    def watch(self, token, at, where):
        """How long until the other targets refuse it: `known_after` has the longest of each."""
        for port in set(self.targets.values()) - {where}:
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
        known = [entry for entry in self.kept() if entry[0] < time.monotonic() - KNOWN_WITHIN]
        if not known:
            return None
        _, client_id, secret = random.choice(known)
        answer = caller.form("/authorize", client_id=client_id, client_secret=secret)
        return self.judge(answer[0] == 200, answer, "created", caller.port)

    def kept(self):
        """The clients that were made and must be there."""
        return [entry for entry in self.made if not any(begin < entry[0] < end for begin, end in self.losses)]

    def admin(self, caller):
        """The header with the operator's token, and when that was asked for."""
        if not self.admin_token or self.may_have_ended(self.admin_token[1]):
            asked = time.monotonic()
            token = self.token_of(caller, self.operator, audience=self.admin_audience)
            self.admin_token = (f"Bearer {token}", asked) if token else None
        return self.admin_token

    def create(self, caller):
        if not (admin := self.admin(caller)):
            return None
        number = f"{random.getrandbits(64):016x}"
        body = json.dumps({"client_id": f"new-{number}"})
        answer = caller.ask("POST", "/admin/api/v1/clients", body, Content_Type="application/json",
                            Authorization=admin[0], Idempotency_Key=number)
        if answer[0] == 401 and self.may_have_ended(admin[1]):
            return None
        outcome = self.judge(answer[0] == 201, answer, "create", caller.port)
        if outcome == "good":
            self.made.append((time.monotonic(), f"new-{number}", json.loads(answer[2])["secret"]["client_secret"]))
        return outcome

    def end(self, caller):
        """Ends all tokens of a client, whoever issued them: it revokes them, or disables and enables the client."""
        client = random.choice(self.victims)
        tokens = [token for port in self.targets.values() if (token := self.token_at(port, client))]
        if not tokens:
            ways = ("enable",)  # It is disabled; or nobody issues tokens now.
        else:
            ways = random.choice([("revoke-tokens",), ("disable", "enable")])
        for way in ways:
            if not (admin := self.admin(caller)):
                return None
            answer = caller.ask("POST", f"/admin/api/v1/clients/{client[0]}/{way}", Authorization=admin[0])
            if answer[0] == 401 and self.may_have_ended(admin[1]):
                return None
            outcome = self.judge(answer[0] in (200, 204), answer, "end", f"{caller.port} {way}")
            if outcome != "good":
                return outcome
            if way != "enable":
                at = time.monotonic()
                self.gone += [(at, token) for token in tokens]
        if ways == ("revoke-tokens",):
            outcome = self.begin_anew(caller, client)
            self.watch(tokens[0], at, caller.port)
        return outcome

    def token_at(self, port, client):
        caller = Caller(port, "127.0.0.5", timeout=3)
        with suppress(Broken):
            return self.token_of(caller, client)
        return None

    def begin_anew(self, caller, client):
        """A token that follows those that were revoked is good at once, everywhere."""
        asked = time.monotonic()
        token = self.token_of(caller, client)
        for port in self.targets.values() if token else ():
            other = Caller(port, timeout=3)
            with suppress(Broken):
                answer = other.ask("GET", "/verify", Authorization=f"Bearer {token}")
                if answer[0] != 200 and not self.may_have_ended(asked):
                    return self.judge(False, answer, "end", f"{port}: a token issued after revoke-tokens")
            other.close()
        return "good"

    @contextmanager
    def losing_creations(self, since):
        """Clients that were made between then and the end of this may be gone afterwards. Revocations may not."""
        span = [since, float("inf")]
        self.losses.append(span)
        yield
        span[1] = time.monotonic()

    @contextmanager
    def ending_all_tokens(self):
        """All tokens that were issued before are ended in this; nothing is known of those that are issued meanwhile."""
        span = [time.monotonic(), float("inf")]
        self.ends.append(span)
        yield
        span[1] = time.monotonic()
        ended, self.tokens = [entry for entry in list(self.tokens) if entry[2] < span[0]], deque(maxlen=500)
        self.gone += [(span[1], token) for _, token, _ in ended]

    def may_have_ended(self, issued):
        return any(issued < end and time.monotonic() > begin for begin, end in self.ends)

    @contextmanager
    def silence(self):
        """Nothing is asked meanwhile, which is no outage."""
        self.silent.set()
        time.sleep(1)
        yield
        for figures in self.figures.values():
            figures.last_good = time.monotonic()
        self.silent.clear()

    def until_written(self, patience=60):
        """Seconds until a token was revoked and a client made after now."""
        began = time.monotonic()
        counts = len(self.gone), len(self.made)
        while not (len(self.gone) > counts[0] and len(self.made) > counts[1]):
            if time.monotonic() - began > patience:
                raise Failure(f"nothing is written {patience} s after the fault is over")
            time.sleep(0.05)
        return time.monotonic() - began

    def final_check(self):
        """Every acknowledged write, at every target."""
        lost = []
        for name, port in self.targets.items():
            caller = Caller(port, NEWCOMERS)
            try:
                for _, token in self.gone:
                    status = caller.ask("GET", "/verify", Authorization=f"Bearer {token}")[0]
                    if status != 401:
                        lost.append(f"{name}: a revoked token gets {status}")
                for _, client_id, secret in self.kept():
                    status = caller.form("/authorize", client_id=client_id, client_secret=secret)[0]
                    if status != 200:
                        lost.append(f"{name}: a client whose creation was acknowledged gets {status}")
            except Broken as error:
                lost.append(f"{name}: does not answer at the end: {error}")
            caller.close()
        return lost


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

