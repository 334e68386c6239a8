"""FTP transfers whose data connection begins as soon as it can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.dialogue import Client, eprt_command, port_command
from tests.e2e.servers import SMALL
from tests.e2e.situations import Mode, Situation

_RETRIEVE = b"RETR small\r\n"


@dataclass(frozen=True, slots=True)
class Way:
    """How transfers are made."""

    situation: Situation
    active: bool
    pipelined: bool
    """RETR is in one segment with the command before it."""
    at_once: int
    """Clients."""

    @property
    def modes(self) -> tuple[Mode, ...]:
        return tuple(mode for mode in self.situation.modes if mode.active == self.active)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of servers. The second answers PORT only once it has connected; but where it connects to
        several clients at a time, some of them wait for ever, with or without a gateway."""
        return ("vsftpd",) if self.active and self.at_once > 1 else ("vsftpd", "pyftpdlib")


@dataclass(slots=True)
class Done:
    """What the clients have done so far."""

    transfers: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    """A session that fails ends with that."""


def transfer(client: Client, mode: Mode, *, pipelined: bool) -> None:
    """Fetch the small file. AssertionError or OSError when that does not work."""
    if mode.active:
        with client.listen() as listener:
            command = port_command if mode is Mode.PORT else eprt_command
            written = command(listener.getsockname()[:2])
            # One write is one segment: nothing else is under way.
            accepted = client.ask(written + _RETRIEVE if pipelined else written)
            assert accepted.code == 200, accepted.raw
            if not pipelined:
                client.write(_RETRIEVE)
            data, _ = listener.accept()
    else:
        written = f"{mode.value}\r\n".encode()
        announced = client.ask(written + _RETRIEVE if pipelined else written)
        assert announced.code in (227, 229), announced.raw
        data = network.connect(client.host, *announced.endpoint(client.peer))
        if not pipelined:
            client.write(_RETRIEVE)
    content = client.fetch(data)
    begun, ended = client.reply(), client.reply()
    assert begun.code in (125, 150) and ended.code == 226, begun.raw + ended.raw
    assert content == SMALL, content


def run(
    lab: Lab, way: Way, transfers: int, *, per_session: int, progress: Callable[[int], None]
) -> Done:
    """Make so many transfers, and tell of each; the modes and the servers take turns."""
    sessions = [
        (
            way.modes[number % len(way.modes)],
            way.kinds[number // len(way.modes) % len(way.kinds)],
            size,
        )
        for number, size in enumerate(_sizes(transfers, per_session))
    ]
    done = Done()
    lock = threading.Lock()

    def session(mode: Mode, kind: str, size: int) -> None:
        host, situation = lab.host(way.situation.client), way.situation
        try:
            with Client(host, situation.address, situation.port(kind)) as client:
                assert client.ask(b"TYPE I\r\n").code == 200
                for _ in range(size):
                    transfer(client, mode, pipelined=way.pipelined)
                    with lock:
                        done.transfers += 1
                        progress(done.transfers)
                assert client.ask(b"QUIT\r\n").code == 221
        except (AssertionError, OSError) as error:
            with lock:
                done.failures.append(f"{mode.value}, {kind}: {error!r}")

    began = time.monotonic()
    with ThreadPoolExecutor(way.at_once) as clients:
        for one in [clients.submit(session, *each) for each in sessions]:
            one.result()
    done.seconds = time.monotonic() - began
    return done


def _sizes(transfers: int, per_session: int) -> list[int]:
    """How many transfers each session makes."""
    whole, rest = divmod(transfers, per_session)
    return [per_session] * whole + ([rest] if rest else [])
