"""A relay that loses datagrams, and repeats others."""

from __future__ import annotations

import random
import selectors
import socket
import threading
from collections import Counter

from ryu_alg.lab import Host
from tests.e2e import network

Address = tuple[str, int]
_LOSSES = 3
"""Of the same message: one more, and a test would fail once in a hundred times."""


class LossyRelay:
    """Passes datagrams on between whoever sends to it and one target, and the answers back.

    It has a socket towards the target for each of the senders, so that answers find them.
    """

    def __init__(
        self, host: Host, address: str, target: Address, *, lost: float, repeated: float
    ) -> None:
        """Listens on port 5060 of `address`. `lost` and `repeated` are probabilities."""
        self.passed = 0
        self.dropped = 0
        self.repeated = 0
        self._host = host
        self._address = address
        self._target = target
        self._lost = lost
        self._repeat = repeated
        self._random = random.Random(20)
        self._losses: Counter[bytes] = Counter()
        self._selector = selectors.DefaultSelector()
        self._open = self._socket(5060)
        self._towards_target: dict[Address, socket.socket] = {}
        self._wake, waking = socket.socketpair()
        self._selector.register(self._open, selectors.EVENT_READ, None)
        self._selector.register(waking, selectors.EVENT_READ, "stop")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _socket(self, port: int) -> socket.socket:
        with network.on(self._host):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((self._address, port))
        return made

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data == "stop":
                    return
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                data, sender = ready.recvfrom(65535)
                if key.data is None:
                    self._pass_on(data, self._back_from(sender), self._target)
                else:
                    self._pass_on(data, self._open, key.data)

    def _back_from(self, sender: Address) -> socket.socket:
        """The socket towards the target, for this sender."""
        if sender not in self._towards_target:
            made = self._towards_target[sender] = self._socket(0)
            self._selector.register(made, selectors.EVENT_READ, sender)
        return self._towards_target[sender]

    def _pass_on(self, data: bytes, out: socket.socket, to: Address) -> None:
        chance = self._random.random()
        if chance < self._lost and self._losses[data] < _LOSSES:
            self._losses[data] += 1
            self.dropped += 1
            return
        out.sendto(data, to)
        self.passed += 1
        if chance > 1 - self._repeat:
            out.sendto(data, to)
            self.repeated += 1

    def stop(self) -> None:
        """End it."""
        self._wake.send(b".")
        self._thread.join(5)
        for it in (self._open, self._wake, *self._towards_target.values()):
            it.close()
        self._selector.close()
