"""A slixmpp client, told on its standard input what to do, as JSON; it says what happens.

It is a program of its own, since it has to run on a lab's host: see `users`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import ssl
import sys
from pathlib import Path
from typing import Any

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout

_TIMEOUT = 60


def say(event: str, **what: object) -> None:
    print(json.dumps({"event": event, **what}), flush=True)


class User(ClientXMPP):
    """Takes every file, by SOCKS5 bytestreams (XEP-0065) and in-band ones (XEP-0047)."""

    def __init__(self, jid: str, password: str, certificate: str, starttls: bool) -> None:
        trusted = ssl.create_default_context(cafile=certificate)
        super().__init__(jid, password, ssl_context=trusted)
        self.enable_direct_tls = False
        self.enable_starttls = starttls
        self.enable_plaintext = True
        self.plugin["feature_mechanisms"].unencrypted_plain = True
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0065", {"auto_accept": True})
        self.register_plugin("xep_0047", {"auto_accept": True})
        self.data = bytearray()
        self.tasks: set[asyncio.Task[None]] = set()
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("failed_auth", lambda _: say("refused"))
        self.add_event_handler("stream_error", lambda e: say("stream_error", what=e["condition"]))
        self.add_event_handler("disconnected", lambda _: say("disconnected"))
        self.add_event_handler("socks5_data", self.data.extend)
        self.add_event_handler("socks5_closed", self.received)
        self.add_event_handler("ibb_stream_start", self.gather)

    def started(self, _: object) -> None:
        transport = self.transport
        encrypted = transport is not None and transport.get_extra_info("cipher") is not None
        say("online", jid=str(self.boundjid), encrypted=encrypted)

    def received(self, _: object) -> None:
        if not self.data:  # a stream of this one's own
            return
        say("received", sha256=hashlib.sha256(self.data).hexdigest(), size=len(self.data))
        self.data.clear()

    async def gather(self, stream: Any) -> None:
        self.data.extend(await stream.gather())
        self.received(None)

    async def send_socks5(self, to: str, file: str, address: str) -> None:
        """As the requester that is the StreamHost itself, which slixmpp leaves to its users."""
        accepted: asyncio.Queue[tuple[bytes, asyncio.StreamWriter]] = asyncio.Queue()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _, methods = await reader.readexactly(2)
            await reader.readexactly(methods)
            writer.write(b"\5\0")
            *_, length = await reader.readexactly(5)
            name = await reader.readexactly(length)
            await reader.readexactly(2)
            writer.write(b"\5\0\0\3%c%b\0\0" % (length, name))
            accepted.put_nowait((name, writer))

        server = await asyncio.start_server(serve, address)
        port = server.sockets[0].getsockname()[1]
        plugin = self.plugin["xep_0065"]
        plugin._proxies = {str(self.boundjid): (address, str(port))}
        answer = await plugin.request_stream(to, sid="transfer", timeout=_TIMEOUT)
        used = str(answer["socks"]["streamhost_used"]["jid"])
        name, writer = await accepted.get()
        parts = f"transfer{self.boundjid}{to}".encode()
        assert name == hashlib.sha1(parts).hexdigest().encode()
        writer.write(Path(file).read_bytes())
        await writer.drain()
        writer.close()
        server.close()
        say("sent", used=used, seen=writer.get_extra_info("peername")[0])

    async def send_in_band(self, to: str, file: str) -> None:
        stream = await self.plugin["xep_0047"].open_stream(to, block_size=4096, timeout=_TIMEOUT)
        await stream.sendall(Path(file).read_bytes(), timeout=_TIMEOUT)
        await stream.close()
        say("sent")

    async def do(self, what: str, **arguments: str) -> None:
        try:
            await getattr(self, f"send_{what}")(**arguments)
        except IqError as error:
            say("failed", why=error.condition)
        except IqTimeout:
            say("failed", why="timeout")

    def told(self) -> None:
        line = sys.stdin.readline()
        if not line:
            asyncio.get_running_loop().stop()
            return
        task = asyncio.create_task(self.do(**json.loads(line)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("jid")
    parser.add_argument("password")
    parser.add_argument("certificate")
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--starttls", action="store_true")
    told = parser.parse_args()
    user = User(told.jid, told.password, told.certificate, told.starttls)
    asyncio.get_running_loop().add_reader(sys.stdin, user.told)
    await user.connect(told.address, told.port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
