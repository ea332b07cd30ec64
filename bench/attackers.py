"""Callers that behave badly, or come all at once, for bench/scenarios.py. Those that come in thousands run as a program
of their own, so that they and the load do not wait for one another: `attackers.py WHAT PORT`."""

import asyncio
import itertools
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from urllib.parse import urlencode

from machinery import Failure


def attack(what, port):
    return program(__file__, what, port)


@contextmanager
def program(*arguments):
    """A program of ours, which is told on its input and tells on its output, a line of JSON each."""
    command = [sys.executable, "-B", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def tell(process, what):
    process.stdin.write(json.dumps(what) + "\n")
    process.stdin.flush()


def hear(process):
    if not (line := process.stdout.readline()):
        raise Failure(f"{process.args[2]} has ended early")
    return json.loads(line)


async def idle(port, wanted):
    """Opens so many connections, asks once over each, says so and is silent; when told, says how many still live."""
    context = ssl._create_unverified_context()  # our own certificate, our own loopback
    gate, open_ones = asyncio.Semaphore(50), []

    async def connect():
        async with gate:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().split(b"content-length:")[1].split()[0]
                await reader.readexactly(int(length))
                open_ones.append((reader, writer))
            except (OSError, EOFError):
                pass

    await asyncio.gather(*(connect() for _ in range(wanted)))
    print(len(open_ones), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return sum(1 for reader, _ in open_ones if not reader.at_eof())


def send_huge(port, chunked, ending, answers):
    context = ssl._create_unverified_context()  # our own certificate, our own loopback
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000000000"
    head = (f"POST /authorize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"{length}\r\n\r\n")
    piece = b"10000\r\n" + b"a" * 65536 + b"\r\n" if chunked else b"a" * 65536
    while not ending.is_set():
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                with context.wrap_socket(plain) as connection:
                    try:
                        connection.sendall(head.encode())
                        for _ in range(1_000_000_000 // 65536):
                            connection.sendall(piece)
                    except OSError:
                        pass  # Refused before its end; there may be an answer all the same.
                    answer = connection.recv(64)
        except OSError:
            pass
        answers.append(answer.split()[1].decode() if answer.startswith(b"HTTP/1.1 ") else "cut")


async def burst(port, clients):
    """A connection each; handshakes are Python's, and a good part of the time."""
    context = ssl._create_unverified_context()  # our own certificate, our own loopback
    counts = {"served": 0, "again": 0}
    # More handshakes at a time than this program is quick enough for would time out.
    gate = asyncio.Semaphore(256)

    async def one(client_id, secret):
        body = urlencode({"client_id": client_id, "client_secret": secret})
        request = (f"POST /authorize HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                   f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        for _ in range(120):
            try:
                async with gate:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
                writer.write(request.encode())
                answer = (await reader.read()).decode()
                writer.close()
            except OSError:
                await asyncio.sleep(1)
                continue
            if answer.startswith("HTTP/1.1 200"):
                counts["served"] += 1
                return
            counts["again"] += 1
            wait = [line.partition(":")[2] for line in answer.splitlines() if line.lower().startswith("retry-after")]
            if not wait:
                return
            await asyncio.sleep(float(wait[0]))

    began = time.monotonic()
    await asyncio.gather(*(one(*client) for client in clients))
    return {**counts, "seconds": time.monotonic() - began}



def listen():
    """Until the next line of the input."""
    return asyncio.to_thread(sys.stdin.readline)


async def connected(port, source=None):
    context = ssl._create_unverified_context()  # our own certificate, our own loopback
    local = (source, 0) if source else None
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, local_addr=local)


async def log_in(reader, writer, form):
    """Over a kept connection; the status."""
    writer.write(f"POST /authorize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                 f"Content-Length: {len(form)}\r\n\r\n{form}".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().split(b"content-length:")[1].split()[0]
    await reader.readexactly(int(length))
    return head.split()[1].decode()


async def guess(port, wanted):
    """Wrong secrets for these clients from so many sources, four connections each, until told; the answers' statuses."""
    sources, names = wanted
    counts, numbers = Counter(), itertools.count()

    async def one(source):
        while True:
            try:
                reader, writer = await connected(port, source)
                while True:
                    number = next(numbers)
                    form = f"client_id={names[number % len(names)]}&client_secret=a-wrong-guess-{number}"
                    counts[await log_in(reader, writer, form)] += 1
            except (OSError, EOFError):
                counts["cut"] += 1
                await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(one(f"127.0.0.{2 + n % sources}")) for n in range(4 * sources)]
    await listen()
    for task in tasks:
        task.cancel()
    return counts


async def connect(port, wanted):
    """So many new connections within so many seconds, in ten bursts; how many had an answer, and until when."""
    number, seconds = wanted
    counts, began = Counter(), time.monotonic()

    async def one():
        try:
            reader, writer = await connected(port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            counts[(await reader.read()).split()[1].decode()] += 1
            writer.close()
        except (OSError, EOFError, IndexError):
            counts["cut"] += 1

    tasks = []
    for _ in range(10):
        tasks += [asyncio.create_task(one()) for _ in range(number // 10)]
        await asyncio.sleep(seconds / 12)
    await asyncio.gather(*tasks)
    counts["seconds"] = round(time.monotonic() - began, 1)
    await listen()
    return counts


async def cold(port, wanted):
    """Logs each client in once over so many connections; the answers' statuses."""
    connections, forms = wanted
    counts, forms = Counter(), iter(forms)

    async def one():
        reader, writer = await connected(port)
        for form in forms:
            counts[await log_in(reader, writer, form)] += 1
        writer.close()

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(connections)))
    return {**counts, "seconds": round(time.monotonic() - began, 1)}


if __name__ == "__main__":
    os.nice(10)  # Attackers have machines of their own; here their work waits, and what they ask of the server does not.
    act = {"idle": idle, "burst": burst, "guess": guess, "connect": connect, "cold": cold}[sys.argv[1]]
    print(json.dumps(asyncio.run(act(int(sys.argv[2]), json.loads(sys.stdin.readline())))))
