"""Callers that behave badly, or come all at once, for bench/scenarios.py."""

import asyncio
import socket
import ssl
import time
from urllib.parse import urlencode


async def idle(port, wanted, measure):
    context = ssl._create_unverified_context()  # our own certificate, our own loopback
    gate, open_ones = asyncio.Semaphore(50), []

    async def connect():
        async with gate:
            try:
                open_ones.append(await asyncio.open_connection("127.0.0.1", port, ssl=context))
            except OSError:
                pass

    await asyncio.gather(*(connect() for _ in range(wanted)))
    await asyncio.sleep(5)
    held = measure()
    living = sum(1 for reader, _ in open_ones if not reader.at_eof())
    for _, writer in open_ones:
        writer.transport.abort()
    return living, held


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

    async def one(client_id, secret):
        body = urlencode({"client_id": client_id, "client_secret": secret})
        request = (f"POST /authorize HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                   f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        for _ in range(120):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context,
                                                               ssl_handshake_timeout=120)
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
    return counts["served"], time.monotonic() - began, counts["again"]
