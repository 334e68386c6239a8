"""Inspectors are asked here: what they raise, how long they take and what they return is others'
code, and must stay a matter of their own session."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from traceback import walk_tb
from typing import Any, Protocol, TypeVar

from ryu_alg.inspection import (
    Abort,
    Admit,
    Close,
    Datagram,
    DatagramEffect,
    DatagramInspector,
    Direction,
    Effect,
    Endpoint,
    Exchange,
    Forward,
    Hold,
    Inject,
    Listen,
    Opaque,
    Open,
    Pass,
    Realm,
    Release,
    Replace,
    Report,
    Send,
    StreamInspector,
    Unbind,
)
from ryu_alg.inspection import Watch as WatchEffect

_Answer = TypeVar("_Answer")

_ADDRESSES = (IPv4Address, IPv6Address)
_CODE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
"""What events are counted under: there must be no end of them on the wire."""
MAX_CODE = 80
"""Characters."""
_TIMEOUTS = range(1, 65536)
"""Seconds that OpenFlow can express."""
MAX_LINES = 3
"""How many lines of code an event names, from the inside."""


class OvertimeError(BaseException):
    """Raised within an inspector that does not come to an end.

    No Exception: `except Exception` in the inspector would go on.
    """


class Watch(Protocol):
    """Who sees to it that an inspector comes to an end. The engine itself has no clock."""

    late: float
    """Seconds that the latest answer took, if that is more than it should; otherwise 0."""

    def __call__(self, question: Callable[[], _Answer], size: int | None = None, /) -> _Answer:
        """What `question` returns, which is about `size` bytes. Raises OvertimeError, besides what
        `question` raises."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An inspector has failed."""

    code: str
    """Of the event: `inspector.failed`, `inspector.slow`."""
    detail: str
    """What went wrong, and where in the code."""


class Mute(StreamInspector):
    """In the place of one that has failed."""

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Never asked: the session is opaque."""
        return ()

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Likewise."""
        return ()


class MuteOfDatagrams(DatagramInspector):
    """Likewise, over UDP."""

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        """Never asked."""
        return ()


class Unwatched:
    """For protocols that are known to come to an end."""

    late = 0.0

    def __call__(self, question: Callable[[], _Answer], size: int | None = None, /) -> _Answer:
        """See `Watch`."""
        return question()


unwatched = Unwatched()


def ask(watch: Watch, question: Callable[[], _Answer], size: int | None = None) -> _Answer | Fault:
    """What an inspector answers. A plugin may raise anything, even `sys.exit()`."""
    try:
        return watch(question, size)
    except OvertimeError as error:
        return Fault("inspector.slow", f"interrupted{_place(error)}")
    except (Exception, SystemExit) as error:
        return Fault("inspector.failed", f"{type(error).__name__}{_place(error)}")


def ask_effects(
    watch: Watch,
    question: Callable[[], Iterable[Any]],
    kinds: tuple[type, ...],
    size: int | None = None,
) -> tuple[Any, ...] | Fault:
    """The effects that an inspector answers with, of these kinds, each as it should be. `size`:
    bytes that it is asked about."""
    effects = ask(watch, lambda: tuple(question()), size)
    if isinstance(effects, Fault):
        return effects
    for effect in effects:
        if not isinstance(effect, kinds) or not _sound(effect):
            return Fault("inspector.failed", f"not an effect: {type(effect).__name__}")
    return effects


def ask_time(watch: Watch, question: Callable[[], float | None]) -> float | Fault | None:
    """When an inspector wants to be woken."""
    due: object = ask(watch, question)
    if due is None or isinstance(due, Fault):
        return due
    if isinstance(due, int | float) and due == due:  # not a number is not equal to itself
        return due
    return Fault("inspector.failed", "next_timeout is no time")


def require(values: Iterable[object], *types: type) -> None:
    """Raise TypeError if an inspector passes something else: where it is asked, not later."""
    for value in values:
        if not isinstance(value, types):
            raise TypeError(f"{type(value).__name__} is not {types[0].__name__}")


def require_seconds(value: object) -> None:
    """Raise TypeError or ValueError if that is no time-out of a flow."""
    if value is None:
        return
    require((value,), int)
    if value not in _TIMEOUTS:
        raise ValueError(f"{value} seconds")


def require_endpoints(values: Iterable[object]) -> None:
    """Raise TypeError if one of them is none."""
    if not all(map(_is_endpoint, values)):
        raise TypeError("not an endpoint")


def _sound(effect: object) -> bool:
    """Whether an effect holds what it says that it holds."""
    match effect:
        case Forward(int()) | Replace(int(), bytes()) | Inject(Direction(), bytes()):
            return True
        case Send(Realm(), inside, remote, bytes(), None | int()):
            return _is_endpoint(inside) and _is_endpoint(remote)
        case Open(int()) | Close(int()) | Unbind(int()) | Opaque() | Abort(str()):
            return True
        case Report(str(code), str()):
            return len(code) <= MAX_CODE and _CODE.fullmatch(code) is not None
        case Admit(int(), tuple(exchanges), Realm()):
            return all(
                isinstance(exchange, Exchange)
                and isinstance(exchange.index, int)
                and _is_endpoint(exchange.remote)
                for exchange in exchanges
            )
        case Listen(int(), bytes(), int() | float() as until):
            return until == until
        case WatchEffect(inside):
            return _is_endpoint(inside)
        case Pass(bytes(), bool()):
            return True
        case Hold(inside, int() | float() as until):
            return _is_endpoint(inside) and until == until
        case Release(inside):
            return _is_endpoint(inside)
    return False


def _is_endpoint(value: object) -> bool:
    return (
        isinstance(value, Endpoint)
        and isinstance(value.address, _ADDRESSES)
        and isinstance(value.port, int)
    )


def _place(error: BaseException) -> str:
    """Where it happened, for the plugin's author: no more, for a message may hold a secret."""
    lines = [
        f"{PurePath(frame.f_code.co_filename).name}:{line}"
        for frame, line in walk_tb(error.__traceback__)
        if not _is_gateways(str(frame.f_globals.get("__name__")))
    ]
    return f" at {', '.join(lines[-MAX_LINES:])}" if lines else ""


def _is_gateways(module: str) -> bool:
    return module.startswith("ryu_alg.") and not module.startswith("ryu_alg.protocols.")
