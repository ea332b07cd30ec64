"""Chains of calls that are ended: an app calls the first of three services, each a process that runs
docs/call-chains/middle.py and exchanges its caller's token for the next one, over two replicas. Counts until when which
of their tokens are good. See scenarios.py."""

import json
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from urllib.request import ProxyHandler, Request, build_opener

from machinery import ROOT, Failure, Process, free_port, run
from steady import Broken, Caller

MIDDLE = ROOT / "docs/call-chains/middle.py"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SERVICES = ("one", "two", "three")
APPS = ("app", "other")


def chain_ended(stage):
    """200 chains of calls over two replicas are ended in four ways. Goal: each token of them refused at both within 1 s."""
    stage.with_postgres()
    end_chains(stage, stage.quick(200, 20), 1)


def chain_ended_by_polling(stage):
    """The same while a proxy keeps all notifications back: what a replica exchanges that does not know the end yet. Within 2 s."""
    stage.with_postgres()
    stage.with_proxy(mute=True)
    end_chains(stage, stage.quick(40, 8), 2)


def end_chains(stage, number, goal):
    stage.with_clients(0)
    for app in APPS:
        create(stage, app, "--audience", audience(0))
    for place in range(len(SERVICES)):
        create_service(stage, place)
    # A service that is disabled or deleted, again and again, fails to log in more often than one that guesses may.
    stage.with_replicas(THROTTLE_CLIENT_FAILURES="0", THROTTLE_SOURCE_FAILURES="0")
    seconds, late = {way.__name__: [] for way in WAYS}, 0
    with Chain(stage) as chain:
        for turn in range(number):
            way = WAYS[turn % len(WAYS)]
            took, given = chain.end(way)
            seconds[way.__name__].append(took)
            late += given
    every = sorted(took for ways in seconds.values() for took in ways)
    if every[-1] > goal:
        stage.lost.append(f"a token of an ended chain was good for {every[-1]:.2f} s")
    ways = "; ".join(f"{name.replace('_', ' ')} {milliseconds(ways)}" for name, ways in seconds.items())
    stage.note(f"{number} chains, until both replicas refused every token that had ended: {milliseconds(every)} (goal {goal} s): "
               f"{ways}; a replica gave {late} tokens after the end was acknowledged by the other one")


def milliseconds(seconds):
    return f"median {median(seconds) * 1e3:.0f} ms, longest {max(seconds) * 1e3:.0f} ms"


def audience(place):
    return f"https://{(*SERVICES, 'end')[place]}.example"


def secret(client):
    return f"{client}-only-0123456789abcdef"


def create(stage, client, *options):
    run([stage.binary, "client", "create", client, "--scope", "read", "--secret-stdin", *options],
        env=stage.environment(), cwd=stage.folder, input=secret(client))


def create_service(stage, place):
    rules = {audience(place + 1): {"scopes": "read"}}
    create(stage, SERVICES[place], "--identifier", audience(place), "--exchange-rules", json.dumps(rules))


def first_token_revoked(chain, tokens):
    answer = chain.caller.form("/revoke", token=tokens[0][0], client_id="app", client_secret=secret("app"))
    return answer, {0: 0}


def all_tokens_of_the_app_revoked(chain, _):
    return chain.operate("POST", "app/revoke-tokens"), {0: 0}


def second_service_disabled(chain, _):
    return chain.operate("POST", "two/disable"), {0: 2, 1: 2}


def third_client_deleted(chain, _):
    return chain.operate("DELETE", "three"), {0: 3, 1: 3}


# Each ends tokens at the first replica. It gives the answer and, for each app whose chain ends, from which token on.
WAYS = (first_token_revoked, all_tokens_of_the_app_revoked, second_service_disabled, third_client_deleted)


class Chain:
    """The services, and a tap between them that knows with which tokens they call."""

    def __init__(self, stage):
        self.stage, self.seen, self.processes = stage, [], []
        self.callers = [Caller(replica.port) for replica in stage.replicas]
        self.caller, self.header = self.callers[0], stage.admin(stage.replicas[0].port)

    def __enter__(self):
        ports = [free_port() for _ in SERVICES]
        self.tap = ThreadingHTTPServer(("127.0.0.1", 0), self.handler(ports))
        threading.Thread(target=self.tap.serve_forever, daemon=True).start()
        self.stage.stack.callback(self.tap.shutdown)
        for place, port in enumerate(ports):
            env = {"TOKEN_SERVER": f"https://localhost:{self.stage.replicas[place % 2].port}", "CLIENT_ID": SERVICES[place],
                   "CLIENT_SECRET": secret(SERVICES[place]), "AUDIENCE": audience(place), "TARGET": audience(place + 1),
                   "NEXT": self.url(place + 1), "PORT": str(port), "SSL_CERT_FILE": str(self.stage.cert), "no_proxy": "*"}
            service = Process([sys.executable, "-B", MIDDLE], port, self.stage.folder / f"{SERVICES[place]}.log", env)
            self.stage.stack.enter_context(service)
        return self

    def __exit__(self, *_):
        for caller in self.callers:
            caller.close()

    def url(self, place):
        return f"http://127.0.0.1:{self.tap.server_port}/{place}"

    def handler(self, ports):
        """Passes calls on to the services, and is the end of the chain itself."""
        seen = self.seen

        class Tap(BaseHTTPRequestHandler):
            def do_GET(self):
                place, header = int(self.path[1:]), self.headers["Authorization"]
                seen.append(header.removeprefix("Bearer "))
                status, body = (200, b"{}") if place == len(ports) else get(f"http://127.0.0.1:{ports[place]}/", header)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Tap

    def tokens(self, app):
        """Those of one call through all services; None when one of them refuses."""
        answer = self.caller.form("/authorize", client_id=app, client_secret=secret(app))
        self.seen.clear()
        status, body = get(self.url(0), f"Bearer {json.loads(answer[2])['token']}")
        self.answer = f"{status}: {body!r}"
        return list(self.seen) if status == 200 else None

    def operate(self, method, path):
        return self.caller.ask(method, f"/admin/api/v1/clients/{path}", Authorization=self.header, If_Match="*")

    def end(self, way):
        """Seconds until every token that ends was refused by both replicas, and how many of these the other replica gave
        after the end was acknowledged."""
        chains = [self.tokens(app) for app in APPS]
        if None in chains:
            raise Failure(f"a chain does not work: {self.answer}")
        place = 2 if way is third_client_deleted else 1
        with self.exchanging(place, chains[0][place]) as given:
            answer, firsts = way(self, chains)
            ended_at = time.monotonic()
            if answer[0] not in (200, 204):
                raise Failure(f"{way.__name__} got {answer[0]}: {answer[2]!r}")
            ended = [token for app, tokens in enumerate(chains) for token in tokens[firsts.get(app, len(tokens)):]]
            took = self.until_refused(ended, given, ended_at)
        good = [token for app, tokens in enumerate(chains) for token in tokens[:firsts.get(app, len(tokens))]]
        for token, right in [(token, 401) for _, token in given] + [(token, 200) for token in good]:
            if (got := self.verified(token)) != {right}:
                self.stage.lost.append(f"{way.__name__}: a token gets {got} in the place of {right}")
        self.restore(way)
        return took, sum(at > ended_at for at, _ in given)

    def until_refused(self, ended, given, since):
        """Also the newest of what is given meanwhile: asking for all of it takes longer than it is good."""
        is_good = lambda token: self.verified(token) != {401}
        while (ended := list(filter(is_good, ended))) or any(is_good(token) for _, token in given[-3:]):
            if time.monotonic() - since > 10:
                raise Failure(f"{len(ended)} tokens of an ended chain are good after 10 s")
        return time.monotonic() - since

    def verified(self, token):
        """What the replicas say of it."""
        return {caller.ask("GET", "/verify", Authorization=f"Bearer {token}")[0] for caller in self.callers}

    @contextmanager
    def exchanging(self, place, token):
        """A service exchanges this token at the other replica, again and again, until it is refused: what it gets, and when."""
        given, caller = [], Caller(self.stage.replicas[1].port)

        def exchange():
            while time.monotonic() < until:
                asked = caller.form("/token", grant_type=EXCHANGE, subject_token=token, subject_token_type=ACCESS_TOKEN,
                                    audience=audience(place + 1), client_id=SERVICES[place],
                                    client_secret=secret(SERVICES[place]))
                if asked[0] != 200:
                    break
                given.append((time.monotonic(), json.loads(asked[2])["access_token"]))

        until = time.monotonic() + 10
        thread = threading.Thread(target=exchange)
        thread.start()
        while not given and thread.is_alive():
            time.sleep(0.001)
        try:
            yield given
        finally:
            thread.join()
            caller.close()

    def restore(self, way):
        """The services as they were."""
        if way is second_service_disabled:
            self.operate("POST", "two/enable")
        elif way is third_client_deleted:
            create_service(self.stage, 2)
        else:
            return
        deadline = time.monotonic() + 30
        while self.tokens("app") is None:
            if time.monotonic() > deadline:
                raise Failure(f"a chain does not work again: {self.answer}")
            time.sleep(0.1)


def get(url, header):
    """Status and body, whatever the status."""
    request = Request(url, headers={"Authorization": header})
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(request, timeout=15) as answer:
            return answer.status, answer.read()
    except OSError as error:
        if not hasattr(error, "code"):
            raise Broken(f"{url}: {error}") from error
        return error.code, error.read()


ALL = (chain_ended, chain_ended_by_polling)
