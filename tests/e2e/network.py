"""Sockets of this very process in the network of a lab's host: no helper process is needed."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from ryu_alg.lab import Host

PATIENCE = 15.0
"""Seconds to wait for what will happen, however slow the machine is."""
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class TcpState(IntEnum):
    """From the kernel's tcp_states.h, those that the tests ask for."""

    ESTABLISHED = 1
    SYN_SENT = 2
    CLOSE = 7
    CLOSE_WAIT = 8


@contextmanager
def on(host: Host) -> Iterator[None]:
    """Sockets that this thread makes within belong to `host`, for as long as they live.

    Other threads are not concerned: each has a network namespace of its own.
    """
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(Path("/run/netns") / host.namespace.name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _enter(before)
    finally:
        os.close(before)


def _enter(namespace: int) -> None:
    # os.setns is Python 3.12's.
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def connect(
    host: Host, address: str, port: int, *, source: tuple[str, int] | None = None
) -> socket.socket:
    """A connection from `host`; OSError if none comes about."""
    with on(host):
        return socket.create_connection((address, port), timeout=PATIENCE, source_address=source)


def listen(host: Host, address: str, port: int = 0) -> socket.socket:
    """A listening socket on `host`."""
    with on(host):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, port), family=family, backlog=64)
    listener.settimeout(PATIENCE)
    return listener


def state(connection: socket.socket) -> int:
    """The TCP state of a socket, as the kernel numbers them."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


@dataclass(frozen=True)
class Segments:
    """What the kernel has counted of one connection."""

    retransmitted: int
    out: int
    come: int
    data_out: int
    """Those with data, retransmissions too."""


def segments(connection: socket.socket) -> Segments:
    """From struct tcp_info: total_retrans, segs_out, segs_in, data_segs_out."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    return Segments(*(struct.unpack_from("I", info, offset)[0] for offset in (100, 136, 140, 156)))


def path_mtu(connection: socket.socket) -> int:
    """What the kernel believes of the path, in bytes (tcpi_pmtu)."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
    return int(struct.unpack_from("I", info, 60)[0])


class Background:
    """A function in a thread of its own; what it raises is raised where it is waited for."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def join(self, timeout: float = 30) -> None:
        """Wait for its end. TimeoutError if that does not come."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError(f"still running after {timeout} s")
        if self._error is not None:
            raise self._error
