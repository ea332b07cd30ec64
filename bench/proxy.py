"""A TCP proxy in front of a database, for bench/scenarios_*.py. It delays what passes, leads new connections elsewhere,
and keeps notifications of Postgres back. It runs as a program of its own, so that it and the load do not wait for one
another: `proxy.py <port>`, with a command in JSON on each line of its input and an answer on each line of its output."""

import asyncio
import json
import sys
import time
from contextlib import suppress

from attackers import hear, tell
from machinery import Process, free_port

NOTIFICATION = ord("A")
# The delay each way of a round trip of 10 ms; the timers add the rest.
TEN_MS = 0.0045
HEAD = 5  # A message's type and its length, which counts itself and not the type.


class Proxy(Process):
    """The program: started, told and ended."""

    def __init__(self, folder, target, **settings):
        port = free_port()
        super().__init__([sys.executable, "-B", __file__, str(port), json.dumps({"target": target, **settings})], port,
                         folder / f"proxy-{port}.log", piped=True)

    def lead(self, **settings):
        """From now on: `target` (a port) and `delay` (seconds each way) of new connections, `mute` (no notifications).
        With `cut` those that are open are closed."""
        tell(self.process, settings)
        return hear(self.process)


class Server:
    def __init__(self, target, delay=0, mute=False):
        self.target, self.delay, self.mute, self.open = target, delay, mute, set()

    def lead(self, cut=False, **settings):
        vars(self).update(settings)
        if cut:
            for writer in self.open:
                writer.transport.abort()
        return len(self.open)

    async def serve(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self.open |= {writer, far_writer}
        try:
            await asyncio.gather(self.carry(reader, far_writer), self.carry(far_reader, writer, self.mute))
        finally:
            self.open -= {writer, far_writer}

    async def carry(self, reader, writer, mute=False):
        """From one end to the other, each piece `delay` after it came, however many are on the way."""
        pieces, delay = asyncio.Queue(), self.delay
        sending = asyncio.create_task(send(pieces, writer))
        with suppress(OSError):
            async for piece in (without_notifications(reader) if mute else as_it_comes(reader)):
                pieces.put_nowait((time.monotonic() + delay, piece))
        pieces.put_nowait((time.monotonic() + delay, b""))
        await sending


async def send(pieces, writer):
    with suppress(OSError):
        while True:
            due, piece = await pieces.get()
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    writer.close()


async def as_it_comes(reader):
    while piece := await reader.read(65536):
        yield piece


async def without_notifications(reader):
    """Message by message. The connection is without TLS and was never asked for it (`sslmode=disable`), so that it
    begins with a message."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(HEAD)
            body = await reader.readexactly(int.from_bytes(head[1:], "big") - 4)
            if head[0] != NOTIFICATION:
                yield head + body


async def main(port, settings):
    server, loop = Server(**settings), asyncio.get_running_loop()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", port)
    async with listening:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(server.lead(**json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), json.loads(sys.argv[2])))
