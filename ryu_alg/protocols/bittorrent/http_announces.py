"""Announces in HTTP requests (BEP 3, BEP 7): what they say, and what they say to the tracker.

The query is read as widely as any tracker may read it: `?`, `&` and `;` all separate, and names
may be percent-encoded. So nobody finds a second port in it that is not found here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from ryu_alg.inspection import Address, Endpoint, Listener
from ryu_alg.inspection.addresses import read_address, read_host
from ryu_alg.inspection.edits import Edit
from ryu_alg.protocols.bittorrent.announcing import HASH_LENGTH, MAX_PORT, Announcing, Denied
from ryu_alg.protocols.bittorrent.http import Request

_INFO_HASH, _PORT, _PEER_ID, _EVENT, _NUMWANT = (
    *(b"info_hash", b"port", b"peer_id"),
    *(b"event", b"numwant"),
)
_ADDRESSES = (b"ip", b"ipv4", b"ipv6")
_MIN_PORT = 1024
_PARAMETER = re.compile(rb"([^?&;=]*)=?([^?&;]*)")
_BINARY = re.compile(rb"(?:[^%+]|%[0-9A-Fa-f]{2})*")
"""What every tracker decodes to the same bytes: a `+` is a blank to some."""
_DECIMAL = re.compile(rb"[1-9][0-9]{0,4}")
_COUNT = re.compile(rb"[0-9]{1,10}")
_WITH_PORT = re.compile(rb"(\[[^\]]*\]|[^:\[\]]*)(?::([1-9][0-9]{0,4}))?")
_ACCEPT_ENCODING = b"accept-encoding"
_PLAIN = (b"", b"identity")
_OF_BROWSERS = frozenset({b"origin", b"referer", b"cookie", b"accept-language"})
_BROWSER_PREFIX, _BROWSER_AGENT = b"sec-", b"mozilla/"

BROWSER = "bittorrent.browser"


class Parameter(NamedTuple):
    """One of a query; the positions are within the message."""

    name: bytes
    """Decoded."""
    start: int
    """Of the name."""
    value_start: int
    end: int
    raw: bytes
    """The value as it stands there."""

    @property
    def value(self) -> bytes:
        """Decoded."""
        return unquote_to_bytes(self.raw)


@dataclass(frozen=True, slots=True)
class Announce:
    """An announce that goes to the tracker."""

    info_hash: bytes
    edits: tuple[Edit, ...]
    listener: Listener | None
    """Where peers get in when the tracker accepts; None: nowhere, it is the last one of a host that
    was not reachable any more."""
    stops: bool
    """It is the last one: peers do not get in any longer."""
    left_out: bool
    """An address was that could not be told to be the host's own."""


def read_announce(
    request: Request, announcing: Announcing, *, opens: bool
) -> Announce | Denied | None:
    """The announce that a request is; None if it is none, or one that leaves as it came, as all
    do without `opens` that are not denied."""
    if request.method != b"GET":
        return None
    query = list(_query(request))
    names = {each.name for each in query}
    if _INFO_HASH not in names or not names & {_PORT, _PEER_ID}:
        return None
    for each in query:
        if each.name == _INFO_HASH and (denied := announcing.denied(each.value)) is not None:
            return denied
    if not opens:
        return None
    if _by_browser(request):
        return Denied(BROWSER, "web pages do not announce")
    return _Reader(request, query, announcing).announce()


def _query(request: Request) -> Iterator[Parameter]:
    """All parameters of the target."""
    raw = request.raw
    start, end = request.target
    at = raw.find(b"?", start, end) + 1
    while 0 < at <= end:
        found = _PARAMETER.match(raw, at, end)
        assert found is not None  # it fits the empty text
        yield Parameter(unquote_to_bytes(found[1]), at, found.start(2), found.end(), found[2])
        at = found.end() + 1


def _by_browser(request: Request) -> bool:
    """Whether a web page may have made this request: no client of BitTorrent sends these fields,
    and no page can keep all of them from being sent."""
    for each in request.head.fields:
        if each.name in _OF_BROWSERS or each.name.startswith(_BROWSER_PREFIX):
            return True
    agents = request.values(b"user-agent")
    return any(agent.lower().startswith(_BROWSER_AGENT) for agent in agents)


class _RefusedError(Exception):
    """Within a `_Reader`."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(reason)
        self.denied = Denied(f"bittorrent.http.{what}", reason)


class _Reader:
    """Of one announce of a host that may be reached."""

    def __init__(
        self, request: Request, query: Sequence[Parameter], announcing: Announcing
    ) -> None:
        self.request = request
        self.query = query
        self.announcing = announcing
        self.edits: list[Edit] = []
        self.left_out = False

    def announce(self) -> Announce | Denied:
        """What it is to be."""
        try:
            return self._announce()
        except _RefusedError as refused:
            return refused.denied

    def _announce(self) -> Announce | Denied:
        info_hash, port = self._info_hash(), self._port()
        addresses = list(self._addresses(port))
        stops = any(each.value == b"stopped" for each in self._all(_EVENT))
        own = Endpoint(self.announcing.host, port)
        if stops:
            listener = self.announcing.gateway.listening(own)
        else:
            armed = self.announcing.arm(port, info_hash)
            if isinstance(armed, Denied):
                return armed
            listener = armed
        if listener is not None:
            self._name(listener.public, addresses)
        self._want_fewer()
        self._want_plain()
        return Announce(info_hash, tuple(self.edits), listener, stops, self.left_out)

    # -- what it says ---------------------------------------------------------------------------

    def _all(self, name: bytes) -> Iterator[Parameter]:
        return (each for each in self.query if each.name == name)

    def _only(self, name: bytes, what: str) -> Parameter | None:
        found = list(self._all(name))
        if len(found) > 1:
            raise _RefusedError(what, f"{name.decode()} is there twice")
        return found[0] if found else None

    def _info_hash(self) -> bytes:
        found = self._only(_INFO_HASH, "hash")
        if found is None or not _BINARY.fullmatch(found.raw) or len(found.value) != HASH_LENGTH:
            raise _RefusedError("hash", "the info_hash is malformed")
        return found.value

    def _port(self) -> int:
        found = self._only(_PORT, "port")
        if found is None or not _DECIMAL.fullmatch(found.value):
            raise _RefusedError("port", "the port is missing or malformed")
        port = int(found.value)
        if not _MIN_PORT <= port <= MAX_PORT:
            raise _RefusedError("port", f"port {port} is not between {_MIN_PORT} and {MAX_PORT}")
        return port

    def _addresses(self, port: int) -> Iterator[Parameter]:
        """Where the host names itself."""
        host = self.announcing.host
        mine = (host, self.announcing.gateway.public_of(host))
        for name in _ADDRESSES:
            found = self._only(name, "address")
            if found is None or not found.value:
                continue
            address, own_port = _address(found.value)
            if address is not None and address.version != host.version:
                self._leave_out(found)
            elif address not in mine or own_port not in (None, port):
                raise _RefusedError("address", f"{name.decode()} does not name this host")
            else:
                yield found

    # -- what is changed ------------------------------------------------------------------------

    def _replace(self, parameter: Parameter, text: bytes) -> None:
        if parameter.value != text:
            self.edits.append(((parameter.value_start, parameter.end), text))

    def _leave_out(self, parameter: Parameter) -> None:
        """An address of the other family: it may be the host's, and nobody knows."""
        end = min(parameter.end + 1, self.request.target[1])
        self.edits.append(((parameter.start, end), b""))
        self.left_out = True

    def _name(self, public: Endpoint, addresses: Sequence[Parameter]) -> None:
        """The public endpoint takes the place of the host's own."""
        for each in self._all(_PORT):
            self._replace(each, b"%d" % public.port)
        for each in addresses:
            named = _address(each.value)
            text = str(public.address if named[1] is None else public)
            if named != _address(text.encode()):
                self._replace(each, text.encode())

    def _want_fewer(self) -> None:
        for each in self._all(_NUMWANT):
            most = self.announcing.options.peers
            if _COUNT.fullmatch(each.value) and int(each.value) > most:
                self._replace(each, b"%d" % most)

    def _want_plain(self) -> None:
        """The answer has to be readable."""
        for each in self.request.fields(_ACCEPT_ENCODING):
            span = (each.value_start, each.value_end)
            if self.request.raw[slice(*span)].lower() not in _PLAIN:
                self.edits.append((span, b"identity"))


def _address(value: bytes) -> tuple[Address | None, int | None]:
    """The address, and the port, that a parameter names; a host's name is neither."""
    address = read_address(value)
    if address is not None:
        return address, None
    match = _WITH_PORT.fullmatch(value)
    if match is None:
        return None, None
    return read_host(match[1]), int(match[2]) if match[2] else None
