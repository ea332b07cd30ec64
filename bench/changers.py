"""Callers that change things as fast as they are let, for bench/scenarios_goals.py: half of them revoke tokens, the others
describe a client each anew. A program of its own, so that it and what it is compared with do not wait for one another:
`changers.py <port>` is told in a line of JSON whom it is to be, says that it is ready, waits for a line, and tells what was
acknowledged."""

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"


class Caller:
    """One kept connection, and what was acknowledged on it."""

    def __init__(self, port, done):
        self.port, self.done, self.reader = port, done, None

    async def ask(self, method, path, body, kind, headers=""):
        if self.reader is None:
            context = ssl._create_unverified_context()  # our own certificate, our own loopback
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{headers}"
                          f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        told = dict(line.split(": ", 1) for line in lines if line)
        answer = await self.reader.readexactly(int(told.get("content-length", 0)))
        return int(status.split()[1]), told, answer

    async def change(self, *request):
        """Whether it was acknowledged; a refusal is waited for as told."""
        began = time.monotonic()
        status, told, _ = await self.ask(*request)
        self.done["statuses"][str(status)] += 1
        if status == 200:
            self.done["seconds"].append(time.monotonic() - began)
        elif "retry-after" in told:
            await asyncio.sleep(float(told["retry-after"]))
        return status == 200


class Revoker(Caller):
    async def prepare(self, clients, number):
        """Tokens of each client in turn."""
        self.tokens = []
        for turn in range(number):
            client_id, secret = clients[turn % len(clients)]
            fields = {"client_id": client_id, "client_secret": secret}
            status, _, answer = await self.ask("POST", "/authorize", urlencode(fields), FORM)
            if status != 200:
                raise RuntimeError(f"/authorize: {status} {answer!r}")
            self.tokens.append({**fields, "token": json.loads(answer)["token"]})

    async def work(self, until):
        while self.tokens and time.monotonic() < until:
            fields = self.tokens.pop()
            if await self.change("POST", "/revoke", urlencode(fields), FORM):
                self.done["revoked"].append(fields["token"])


class Updater(Caller):
    async def prepare(self, client_id, admin):
        self.client_id, self.admin = client_id, f"Authorization: {admin}\r\nIf-Match: *\r\n"

    async def work(self, until):
        number = 0
        while time.monotonic() < until:
            number += 1
            body = json.dumps({"description": f"change {number}"})
            if await self.change("PATCH", f"/admin/api/v1/clients/{self.client_id}", body, "application/json", self.admin):
                self.done["described"][self.client_id] = number


async def main(port):
    told = json.loads(sys.stdin.readline())
    done = {"revoked": [], "described": {}, "statuses": Counter(), "seconds": []}
    clients, half = told["clients"], told["callers"] // 2
    revokers = [Revoker(port, done) for _ in range(half)]
    updaters = [Updater(port, done) for _ in range(half)]
    await asyncio.gather(
        *(one.prepare(clients[turn:] + clients[:turn], told["tokens"] // half) for turn, one in enumerate(revokers)),
        *(one.prepare(clients[turn][0], told["admin"]) for turn, one in enumerate(updaters)))
    print(json.dumps("ready"), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began = time.monotonic()
    until = began + told["for"]
    await asyncio.gather(*(one.work(until) for one in [*revokers, *updaters]))
    done["took"] = time.monotonic() - began
    done["used_up"] = sum(not one.tokens for one in revokers)
    print(json.dumps(done), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
