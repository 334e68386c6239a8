"""TFTP through the gateway: RFC 1350 (protocol), 2347 to 2349 (options), 7440 (window size).

A request goes to the server's well-known port. The server answers from a port of its own, its
transfer identifier, to the port that the request came from; from there on the two ports exchange
data and acknowledgements, and none of that comes here. Hence:

- An inside client's port is bound, and the request leaves from the binding's public port, to
  which the server's host, and nobody else, may send.
- A published server's answer leaves from the public address, from a port that is bound for it, to
  the one port that the client's request came from.
- Nothing opens before a request has been read as a whole, and policy has let it pass. It leaves
  byte for byte as it came; one that may not pass is answered with an ERROR packet.
- A client's port has one transfer at a time, as in RFC 1350 section 4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from pydantic import Field

from ryu_alg.inspection import (
    Admit,
    Binding,
    Datagram,
    DatagramEffect,
    DatagramGateway,
    DatagramInspector,
    Endpoint,
    Exchange,
    ProtocolSpec,
    Realm,
    Refusal,
    Release,
    Report,
    Send,
    Transport,
    Unbind,
)
from ryu_alg.inspection.addresses import within
from ryu_alg.inspection.names import may_fit, path_spellings, printable, surely_fits
from ryu_alg.options import Networks, Options, Patterns

MAX_REQUEST = 512
"""Bytes (RFC 2347)."""
IDLE = 30
"""Seconds without a packet after which a transfer is over."""
IDLE_TIMEOUTS = 3
"""Or so many times the retransmission time-out that the client asks for, if that is more."""
MIN_PORT = 1024
"""Nothing is sent to a lower port of a client: it is another service's, and the address forged."""

# --- Options ---------------------------------------------------------------------------------


class Rule(Options):
    """One rule about requests. What it leaves out, it does not ask about."""

    action: Literal["allow", "deny"]
    """What happens to a request that fits."""
    requests: Literal["any", "read", "write"] = "any"
    """Which requests: a client reads a file of the server's, or writes one there."""
    files: Patterns = ()
    """Glob patterns (* ? [a-z]) for the whole file name, as /boot/*. Empty: any."""
    clients: Networks = ()
    """Networks in which the client is. Empty: any."""
    servers: Networks = ()
    """Networks in which the server is, by its real address. Empty: any."""


class TftpOptions(Options):
    """The options of the protocol `tftp`."""

    rules: tuple[Rule, ...] = ()
    """Which requests may pass. The first rule that fits decides; if none does, they pass."""
    upload_limit: int | None = Field(default=None, ge=0)
    """The largest file that a client may announce to write (`tsize`), in bytes; who announces no
    size may not write. Without it: any."""
    transfers_per_host: int = Field(default=100, ge=1, le=10_000)
    """Transfers of one inside host at a time, as client and as server."""


# --- Packets ---------------------------------------------------------------------------------


class Opcode(IntEnum):
    """RFC 1350 section 5, RFC 2347."""

    RRQ = 1
    WRQ = 2
    DATA = 3
    ACK = 4
    ERROR = 5
    OACK = 6


class ErrorCode(IntEnum):
    """RFC 1350 appendix I, RFC 2347; those that are used here."""

    UNDEFINED = 0
    ACCESS_VIOLATION = 2
    DISK_FULL = 3
    ILLEGAL_OPERATION = 4
    UNKNOWN_TRANSFER = 5
    OPTION_NEGOTIATION = 8


@dataclass(frozen=True, slots=True)
class Request:
    """RRQ or WRQ."""

    write: bool
    name: bytes
    options: dict[bytes, int]
    """Those whose meaning is known."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a request may not pass, and what its sender is told."""

    code: str
    """Of the event."""
    error: ErrorCode
    text: str

    def packet(self) -> bytes:
        """The ERROR packet (RFC 1350 section 5)."""
        return (
            Opcode.ERROR.to_bytes(2, "big")
            + self.error.to_bytes(2, "big")
            + self.text.encode("ascii", "replace")
            + b"\0"
        )


_MODES = frozenset({b"netascii", b"octet"})
_NUMBER = re.compile(rb"[0-9]{1,20}")
_BOUNDS = {
    b"blksize": range(8, 65464 + 1),  # RFC 2348
    b"timeout": range(1, 255 + 1),  # RFC 2349
    b"tsize": range(2**63),  # RFC 2349, which has no bound
    b"windowsize": range(1, 65535 + 1),  # RFC 7440
}
_MULTICAST = b"multicast"
"""RFC 2090: data would go to a group, which does not pass."""


def opcode_of(payload: bytes) -> Opcode | None:
    """What a packet is; None if it is none of TFTP's."""
    try:
        return Opcode(int.from_bytes(payload[:2], "big")) if len(payload) >= 2 else None
    except ValueError:
        return None


def read_request(payload: bytes) -> Request | Wrong:
    """Read an RRQ or WRQ: opcode, name, mode, then options and their values, each with a NUL."""
    if len(payload) > MAX_REQUEST:
        return _malformed(f"a request has at most {MAX_REQUEST} bytes")
    *fields, rest = payload[2:].split(b"\0")
    if rest or len(fields) < 2 or len(fields) % 2:
        return _malformed("a request is a name, a mode, and options with a value each")
    name, mode, *more = fields
    if not name:
        return _malformed("no file name")
    if mode.lower() not in _MODES:
        # `mail` has a user in the place of the name (RFC 1350 section 1).
        return Wrong("tftp.mode", ErrorCode.ILLEGAL_OPERATION, "The mode is netascii or octet")
    options = _read_options(more)
    if isinstance(options, Wrong):
        return options
    return Request(payload[1] == Opcode.WRQ, name, options)


def _read_options(fields: list[bytes]) -> dict[bytes, int] | Wrong:
    options: dict[bytes, int] = {}
    seen: set[bytes] = set()
    for option, value in zip(fields[::2], fields[1::2], strict=True):
        option = option.lower()
        shown = printable(option)
        if not option or option in seen:
            return _malformed("an option has a name, and is there once")
        seen.add(option)
        if option == _MULTICAST:
            return _option("multicast is not supported here")
        bounds = _BOUNDS.get(option)
        if bounds is None:
            continue
        if not _NUMBER.fullmatch(value) or int(value) not in bounds:
            return _option(f"{shown} is from {bounds.start} to {bounds.stop - 1}")
        options[option] = int(value)
    return options


def _malformed(text: str) -> Wrong:
    return Wrong("tftp.malformed", ErrorCode.ILLEGAL_OPERATION, text)


def _option(text: str) -> Wrong:
    return Wrong("tftp.option", ErrorCode.OPTION_NEGOTIATION, text)


# --- Policy ----------------------------------------------------------------------------------


def refusal(
    options: TftpOptions, request: Request, client: Endpoint, server: Endpoint
) -> Wrong | None:
    """Why policy does not let a request pass."""
    for rule in options.rules:
        if _fits(rule, request, client, server):
            if rule.action == "allow":
                break
            return Wrong("tftp.denied", ErrorCode.ACCESS_VIOLATION, "Denied by the gateway")
    limit, size = options.upload_limit, request.options.get(b"tsize")
    if not request.write or limit is None:
        return None
    if size is None:
        text = "The gateway lets nobody write without saying how much (tsize)"
        return Wrong("tftp.size", ErrorCode.DISK_FULL, text)
    if size > limit:
        text = f"The gateway lets nobody write more than {limit} bytes"
        return Wrong("tftp.size", ErrorCode.DISK_FULL, text)
    return None


def _fits(rule: Rule, request: Request, client: Endpoint, server: Endpoint) -> bool:
    if rule.requests not in ("any", "write" if request.write else "read"):
        return False
    if rule.clients and not within(client.address, rule.clients):
        return False
    if rule.servers and not within(server.address, rule.servers):
        return False
    fits = may_fit if rule.action == "deny" else surely_fits
    return not rule.files or fits(rule.files, path_spellings(request.name))


# --- Transfers -------------------------------------------------------------------------------


@dataclass(slots=True)
class Transfer:
    """What a client's port is used for."""

    server: Endpoint
    binding: int
    request: bytes
    """The latest one, as it came."""
    last_passed: float = float("-inf")
    """When a packet of it, other than a request, was last seen here."""


@dataclass(slots=True)
class TftpInspector(DatagramInspector):
    """All transfers of one inside host, be it their client or their server."""

    options: TftpOptions
    gateway: DatagramGateway
    transfers: dict[Endpoint, Transfer] = field(default_factory=dict)
    """By the client's endpoint."""

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        """See `DatagramInspector`."""
        opcode = opcode_of(datagram.payload)
        if opcode not in (Opcode.RRQ, Opcode.WRQ):
            return self._of_transfer(datagram, opcode)
        if datagram.origin is Realm.INSIDE:
            return [*self._from_client_inside(datagram), Release(datagram.inside)]
        if not datagram.published:
            return [Report("tftp.stray", f"a request to {datagram.inside}, which is no server")]
        return self._to_server_inside(datagram)

    def binding_idle(self, binding: int) -> Sequence[DatagramEffect]:
        """See `Timed`. Some servers go on as they began, at the well-known port: through here."""
        for client, transfer in self.transfers.items():
            if transfer.binding == binding:
                if self.gateway.now < transfer.last_passed + IDLE:
                    return ()
                del self.transfers[client]
                break
        return [Unbind(binding)]

    # -- requests -------------------------------------------------------------------------------

    def _from_client_inside(self, datagram: Datagram) -> list[DatagramEffect]:
        client, server = datagram.inside, datagram.remote
        if self.gateway.behind(server, Transport.UDP) is not None:
            text = "Ask the server by its inside address"
            return self._refuse(datagram, Wrong("tftp.hairpin", ErrorCode.UNDEFINED, text))
        begun = self._begin(datagram, client, server)
        if isinstance(begun, Wrong):
            return self._refuse(datagram, begun)
        transfer, effects = begun
        request = Send(Realm.OUTSIDE, client, server, datagram.payload, transfer.binding)
        return [*effects, request]

    def _to_server_inside(self, datagram: Datagram) -> list[DatagramEffect]:
        client, server = datagram.remote, datagram.inside
        if client.port < MIN_PORT:
            return [Report("tftp.port", f"a request from {client} is not answered")]
        begun = self._begin(datagram, client, server)
        if isinstance(begun, Wrong):
            return self._refuse(datagram, begun)
        _, effects = begun
        return [*effects, Send(Realm.INSIDE, server, client, datagram.payload)]

    def _begin(
        self, datagram: Datagram, client: Endpoint, server: Endpoint
    ) -> tuple[Transfer, list[DatagramEffect]] | Wrong:
        """The transfer, and what opens for it."""
        request = read_request(datagram.payload)
        if isinstance(request, Wrong):
            return request
        wrong = refusal(self.options, request, client, server)
        if wrong is not None:
            return wrong
        effects: list[DatagramEffect] = []
        transfer = self.transfers.get(client)
        if transfer is not None and transfer.server != server:
            effects.append(Unbind(transfer.binding))
            del self.transfers[client]
            transfer = None
        if transfer is None:
            bound = self._bind(datagram, request)
            if isinstance(bound, Wrong):
                return bound
            transfer = Transfer(server, bound.id, b"")
            self.transfers[client] = transfer
        if transfer.request != datagram.payload:  # not sent again
            does = "writes" if request.write else "reads"
            detail = f"{client} {does} {printable(request.name)} at {server}"
            effects.append(Report("tftp.request", detail))
        transfer.request = datagram.payload
        effects.append(Admit(transfer.binding, (Exchange(0, datagram.remote),)))
        return transfer, effects

    def _bind(self, datagram: Datagram, request: Request) -> Binding | Wrong:
        if len(self.transfers) >= self.options.transfers_per_host:
            return Wrong("tftp.quota", ErrorCode.UNDEFINED, "Too many transfers at a time")
        idle = max(IDLE, IDLE_TIMEOUTS * request.options.get(b"timeout", 0))
        if datagram.origin is Realm.INSIDE:
            bound = self.gateway.bind([datagram.inside], idle=idle)
        else:
            anywhere = Endpoint(datagram.inside.address, 0)
            bound = self.gateway.bind([anywhere], public=datagram.public.address, idle=idle)
        if isinstance(bound, Refusal):
            text = f"The gateway cannot let this pass: {bound.code}"
            return Wrong("tftp.refused", ErrorCode.UNDEFINED, text)
        return bound

    def _refuse(self, datagram: Datagram, wrong: Wrong) -> list[DatagramEffect]:
        request = printable(datagram.payload[2:].replace(b"\0", b" ").strip())
        detail = f"{wrong.text}: {request} from {_sender(datagram)}"
        return [_back(datagram, wrong.packet()), Report(wrong.code, detail)]

    # -- everything else ------------------------------------------------------------------------

    def _of_transfer(self, datagram: Datagram, opcode: Opcode | None) -> list[DatagramEffect]:
        """What is neither RRQ nor WRQ, and yet at the well-known port."""
        found = self._transfer_of(datagram)
        if found is None or opcode is None:
            what = "no packet of TFTP" if opcode is None else f"{opcode.name} of no transfer"
            return [Report("tftp.stray", f"{what} from {_sender(datagram)}")]
        client, transfer = found
        transfer.last_passed = self.gateway.now
        outward = datagram.origin is Realm.INSIDE
        effects: list[DatagramEffect] = [
            Send(
                Realm.OUTSIDE if outward else Realm.INSIDE,
                datagram.inside,
                datagram.remote,
                datagram.payload,
                transfer.binding if outward and client == datagram.inside else None,
            )
        ]
        if opcode is Opcode.ERROR and not _of_another(datagram.payload):
            del self.transfers[client]
            effects.append(Unbind(transfer.binding))
        return effects

    def _transfer_of(self, datagram: Datagram) -> tuple[Endpoint, Transfer] | None:
        inside, remote = datagram.inside, datagram.remote
        for client, server in ((inside, remote), (remote, inside)):
            transfer = self.transfers.get(client)
            if transfer is not None and transfer.server == server:
                return client, transfer
        return None


def _of_another(payload: bytes) -> bool:
    """Whether an ERROR is about somebody else's packet, and disturbs no transfer (RFC 1350
    section 4)."""
    return int.from_bytes(payload[2:4], "big") == ErrorCode.UNKNOWN_TRANSFER


def _sender(datagram: Datagram) -> Endpoint:
    return datagram.inside if datagram.origin is Realm.INSIDE else datagram.remote


def _back(datagram: Datagram, payload: bytes) -> Send:
    return Send(datagram.origin, datagram.inside, datagram.remote, payload)


PROTOCOL = ProtocolSpec(
    name="tftp",
    summary="Trivial File Transfer Protocol: requests, and answers from whatever port",
    ports=(69,),
    options=TftpOptions,
    datagram=TftpInspector,
)
