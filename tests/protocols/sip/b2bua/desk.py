"""A B2BUA on a desk: two phones by hand, one on either side, and a clock that stands still.

`Phone` writes the messages of one party; `Desk` hands them in and sorts what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from ryu_alg.inspection import Datagram, Endpoint, Hold, Realm, Report, Send, Transport
from ryu_alg.protocols.sip.b2bua.core import BackToBack
from ryu_alg.protocols.sip.message import Message, RequestLine, parse
from ryu_alg.protocols.sip.options import SipOptions
from tests.protocols.sip.gateway import HOST, World

INSIDE = Endpoint(HOST, 5060)
PROXY = Endpoint(ip_address("198.51.100.7"), 5060)
WITH_CONTACT = ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER", "REGISTER")
LEAKS = (b"192.168.10.2", b"pc5.corp.example.com", b"secret-phone", b"inside-call", b"inside-tag")
"""What the inside phone says, and nobody outside may read."""


def read(raw: bytes) -> Message:
    message = parse(raw)
    assert isinstance(message, Message), message
    return message


def sdp(address: str, port: int, version: int = 1, extra: str = "") -> bytes:
    return (
        f"v=0\r\no=- 1 {version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\n{extra}"
    ).encode()


@dataclass
class Phone:
    """One party of one dialogue, or of several with the same Call-ID."""

    realm: Realm
    where: Endpoint
    user: str
    tag: str
    call_id: str = ""
    remote: str = ""
    """From or To of the other party, with tag once known."""
    target: str = ""
    cseq: int = 0
    branches: int = 0
    remote_cseq: int = 0
    routes: Sequence[str] = ()

    @property
    def contact(self) -> str:
        return f"<sip:{self.user}@{self.where}>"

    @property
    def me(self) -> str:
        host = "pc5.corp.example.com" if self.realm is Realm.INSIDE else "example.net"
        return f'"{self.user}" <sip:{self.user}@{host}>'

    def request(
        self,
        method: str,
        body: bytes = b"",
        *,
        headers: Sequence[str] = (),
        cseq: int | None = None,
        uri: str = "",
        content_type: str = "application/sdp",
        branch: str = "",
        rport: bool = True,
    ) -> bytes:
        """A request; in a dialogue once `remote` has a tag."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        self.branches += 1
        branch = branch or f"z9hG4bK-{self.user}-{self.branches}"
        lines = [
            f"{method} {uri or self.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.where};branch={branch}" + (";rport" if rport else ""),
            "Max-Forwards: 70",
            *(f"Route: {route}" for route in self.routes),
            f"From: {self.me};tag={self.tag}",
            f"To: {self.remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"User-Agent: secret-phone 1.0 on {self.where}",
            *headers,
        ]
        named = any(line.startswith("Contact") for line in headers)
        if method in WITH_CONTACT and not named:
            lines.append(f"Contact: {self.contact}")
        return written(lines, body, content_type)

    def reply(
        self,
        request: Message,
        status: int,
        body: bytes = b"",
        *,
        tag: str | None = None,
        headers: Sequence[str] = (),
        content_type: str = "application/sdp",
        contact: bool = True,
    ) -> bytes:
        """A response to `request`, which came to this phone."""
        tag = self.tag if tag is None else tag
        to = text(request, b"to")
        if ";tag=" not in to and status > 100 and tag:
            to += f";tag={tag}"
        lines = [
            f"SIP/2.0 {status} Whatever {self.where}",
            *(f"Via: {value}" for value in texts(request, b"via")),
            *(f"Record-Route: {value}" for value in texts(request, b"record-route")),
            f"From: {text(request, b'from')}",
            f"To: {to}",
            f"Call-ID: {text(request, b'call-id')}",
            f"CSeq: {text(request, b'cseq')}",
            f"Server: secret-phone 1.0 on {self.where}",
            *headers,
        ]
        if contact and 100 < status < 300:
            lines.append(f"Contact: {self.contact}")
        return written(lines, body, content_type)

    def joins(self, invite: Message, tag: str | None = None) -> None:
        """It was called: this is the dialogue."""
        self.call_id = text(invite, b"call-id")
        self.remote = text(invite, b"from")
        self.target = uri_of(invite)
        self.tag = tag or self.tag

    def hears(self, response: Message) -> None:
        """Whom it called has answered: this is the dialogue."""
        self.remote = text(response, b"to")
        self.target = uri_of(response)


def written(lines: list[str], body: bytes, content_type: str) -> bytes:
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def text(message: Message, name: bytes) -> str:
    value = message.value(name)
    assert value is not None, f"no {name!r} in {message.raw!r}"
    return value.decode()


def texts(message: Message, name: bytes) -> list[str]:
    fields = message.fields.get(name, ())
    return [message.raw[field.value_start : field.value_end].decode() for field in fields]


def uri_of(message: Message) -> str:
    contact = message.addresses[b"contact"][0]
    return message.raw[slice(*contact.uri.span)].decode()


def request_uri(message: Message) -> str:
    assert isinstance(message.line, RequestLine)
    return message.raw[slice(*message.line.uri.span)].decode()


def with_options(general: Mapping[str, object] | None = None, **own: object) -> SipOptions:
    """The options of SIP with these: `general` ones, and `own` ones of the B2BUA."""
    given = {"inside_names": ["*.corp.example.com"], **own}
    return SipOptions.model_validate({"mode": "b2bua", "b2bua": given, **(general or {})})


@dataclass
class Desk:
    """The B2BUA, and what came out of it."""

    options: SipOptions = field(default_factory=with_options)
    transport: Transport = Transport.UDP
    world: World = field(default_factory=World)
    reports: list[Report] = field(default_factory=list)
    sent: list[Send] = field(default_factory=list)
    out: list[bytes] = field(default_factory=list)
    """All that left towards outside."""
    held: dict[Endpoint, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gateway = self.world.gateway()
        self.core = BackToBack(self.options, self.gateway, self.transport, secret=b"k" * 16)
        self.public = self.public_of(INSIDE)
        self.alice = Phone(Realm.INSIDE, INSIDE, "alice", "inside-tag", "inside-call@pc5")
        self.alice.remote, self.alice.target = "<sip:bob@example.net>", "sip:bob@example.net"
        self.bob = Phone(Realm.OUTSIDE, PROXY, "bob", "bob-tag", "outside-call")
        self.bob.remote = f"<sip:alice@{self.public}>"
        self.bob.target = f"sip:alice@{self.public}"

    def public_of(self, inside: Endpoint) -> Endpoint:
        """What stands for a control endpoint."""
        public = self.gateway.signalling(inside)
        assert isinstance(public, Endpoint)
        return public

    def take(self, effects: Sequence[object]) -> list[Message]:
        """What left, in order; the rest is done as the engine would."""
        self.world.carry_out(effects)
        left = []
        for effect in effects:
            if isinstance(effect, Report):
                self.reports.append(effect)
            elif isinstance(effect, Hold):
                self.held[effect.inside] = effect.until
                if effect.until <= self.world.now:
                    del self.held[effect.inside]
            elif isinstance(effect, Send):
                message = read(effect.payload)
                self.sent.append(effect)
                left.append(message)
                if effect.towards is Realm.OUTSIDE:
                    self.out.append(effect.payload)
                    for leak in LEAKS:
                        assert leak not in effect.payload, effect.payload.decode()
                else:
                    assert effect.inside.address == HOST
        return left

    def give(self, phone: Phone, raw: bytes, source: Endpoint | None = None) -> list[Message]:
        """A phone sends; returns all that leaves because of it."""
        where = source or phone.where
        if phone.realm is Realm.INSIDE:
            public = self.public_of(where)
            datagram = Datagram(Realm.INSIDE, where, public, PROXY, raw)
        else:
            datagram = Datagram(Realm.OUTSIDE, INSIDE, self.public, where, raw)
        return self.take(self.core.inspect(datagram))

    def wait(self, seconds: float) -> list[Message]:
        """Time passes."""
        end = self.world.now + seconds
        left = []
        while (deadline := self.core.next_timeout()) is not None and deadline <= end:
            self.world.now = max(self.world.now, deadline)
            left += self.take(self.core.wake())
        self.world.now = end
        return left

    def rest(self) -> list[Message]:
        """Until nothing happens any more; then nothing may be left."""
        left = []
        for _ in range(10_000):
            deadline = self.core.next_timeout()
            if deadline is None:
                break
            self.world.now = max(self.world.now, deadline)
            left += self.take(self.core.wake())
        assert self.core.next_timeout() is None
        assert self.core.empty, vars(self.core.agent)
        assert not self.world.bindings
        return left

    @property
    def codes(self) -> list[str]:
        return [report.code for report in self.reports]

    # --- Calls that are set up as usual ----------------------------------------------------

    def call_out(self) -> Message:
        """alice calls bob, who accepts. Returns the INVITE as bob got it."""
        out = self.give(self.alice, self.alice.request("INVITE", sdp("192.168.10.2", 4000)))
        invite = out[-1]
        self.bob.joins(invite)
        (ok,) = self.give(self.bob, self.bob.reply(invite, 200, sdp("198.51.100.7", 6000)))
        self.alice.hears(ok)
        self.give(self.alice, self.alice.request("ACK", cseq=self.alice.cseq))
        return invite

    def call_in(self) -> Message:
        """bob calls alice, who accepts. Returns the INVITE as alice got it."""
        out = self.give(self.bob, self.bob.request("INVITE", sdp("198.51.100.7", 6000)))
        invite = out[-1]
        self.alice.joins(invite)
        (ok,) = self.give(self.alice, self.alice.reply(invite, 200, sdp("192.168.10.2", 4000)))
        self.bob.hears(ok)
        self.give(self.bob, self.bob.request("ACK", cseq=self.bob.cseq))
        return invite
