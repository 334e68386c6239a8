"""The media of one call, played: what is said goes through, what it does is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.inspection import Address, Endpoint, Network, Realm, Report, Unbind
from ryu_alg.protocols.sip.media import CallMedia, MediaEffect, Refused, Rewritten
from tests.protocols.sip.gateway import HOST, World, endpoint

REMOTE = "198.51.100.7"
OTHER_REMOTE = "198.51.100.8"


def description(*lines: str, address: str = str(HOST)) -> bytes:
    """With o= and c= of `address`, and these lines behind."""
    family = "IP6" if ":" in address else "IP4"
    head = (
        "v=0",
        f"o=alice 1 1 IN {family} {address}",
        "s=-",
        f"c=IN {family} {address}",
        "t=0 0",
    )
    return "".join(f"{line}\r\n" for line in (*head, *lines)).encode()


def audio(port: int, *lines: str, address: str = str(HOST)) -> bytes:
    """One stream of audio."""
    return description(f"m=audio {port} RTP/AVP 0 8", *lines, address=address)


def remote_audio(port: int, *lines: str, address: str = REMOTE) -> bytes:
    """One stream of audio, outside."""
    return audio(port, *lines, address=address)


def lines_of(body: bytes) -> list[str]:
    return body.decode().split("\r\n")


@dataclass
class Talk:
    """A call of one inside host."""

    world: World = field(default_factory=World)
    host: Address = HOST
    media_servers: tuple[Network, ...] = ()
    reports: list[str] = field(default_factory=list)
    """Codes, in order."""
    effects: tuple[MediaEffect, ...] = ()
    """Of what happened last."""

    def __post_init__(self) -> None:
        self.media = CallMedia(self.world.gateway(self.host), self.host, self.media_servers)

    def out(self, body: bytes, leg: bytes = b"", *, answer: bool = False) -> list[str]:
        """The inside says it; the lines that leave."""
        return lines_of(self._passed(self.media.from_inside(body, leg, answer=answer)))

    def come(self, body: bytes, leg: bytes = b"", *, answer: bool = False) -> list[str]:
        """The outside says it; the lines that arrive."""
        return lines_of(self._passed(self.media.from_outside(body, leg, answer=answer)))

    def refused(self, origin: Realm, body: bytes, leg: bytes = b"", *, answer: bool = False) -> str:
        """Somebody says it, and it does not pass; the code. Nothing has changed by that."""
        take = self.media.from_inside if origin is Realm.INSIDE else self.media.from_outside
        bound, admitted = set(self.world.bindings), dict(self.world.admitted)
        outcome = take(body, leg, answer=answer)
        assert isinstance(outcome, Refused)
        self.do(outcome.effects)
        assert set(self.world.bindings) == bound
        assert self.world.admitted == admitted
        return outcome.code

    def do(self, effects: tuple[MediaEffect, ...]) -> None:
        """Carry out effects."""
        self.effects = effects
        self.reports += [effect.code for effect in effects if isinstance(effect, Report)]
        self.world.carry_out(effects)

    def close(self) -> None:
        """The call is over, and leaves nothing."""
        self.do(self.media.close())
        assert all(isinstance(effect, Unbind) for effect in self.effects)
        assert not self.world.bindings
        assert self.media.close() == ()

    @property
    def open(self) -> set[str]:
        """All that may flow: `inside port > remote endpoint`."""
        return {f"{inside.port} > {remote}" for inside, remote in self.world.open()}

    def public(self, port: int) -> Endpoint:
        """What stands for this port of the host."""
        inside = endpoint(self.host, port)
        (found,) = {
            binding.public[binding.inside.index(inside)]
            for binding in self.world.bindings.values()
            if inside in binding.inside
        }
        return found

    def _passed(self, outcome: Rewritten | Refused) -> bytes:
        assert isinstance(outcome, Rewritten), outcome
        self.do(outcome.effects)
        return outcome.body
