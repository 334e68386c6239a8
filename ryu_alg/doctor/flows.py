"""Flows as ovs-ofctl prints them: of `dump-flows --no-stats`, and of `diff-flows`."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from ryu_alg.inspection import Network, Realm, Transport

_PROTOCOLS = {
    "tcp": Transport.TCP,
    "tcp6": Transport.TCP,
    "udp": Transport.UDP,
    "udp6": Transport.UDP,
}
_REALMS = {1: Realm.INSIDE, 2: Realm.OUTSIDE}
_EVERY_BIT = -1


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow of a switch. What it does not match is None, and so is what it matches in part."""

    text: str
    """As ovs-ofctl has it."""
    fields: dict[str, str]
    """What it matches, and its other properties; what has no value is ""."""
    actions: str

    @classmethod
    def parse(cls, line: str) -> Flow:
        """A flow of one line. ValueError when it is none."""
        properties, separator, actions = line.strip().partition("actions=")
        if not separator:
            raise ValueError(f"not a flow: {line}")
        fields = {}
        for part in properties.replace(",", " ").split():
            name, _, value = part.partition("=")
            fields[name] = value
        flow = cls(line.strip(), fields, actions)
        for name in ("cookie", "table", "priority", "idle_timeout", "hard_timeout"):
            flow.number(name)
        return flow

    def number(self, name: str) -> int:
        """A number that every flow has: 0 where it is not printed. ValueError if it is none."""
        return int(self.fields.get(name, "0"), 0)

    @property
    def cookie(self) -> int:
        """64 bits."""
        return self.number("cookie")

    @property
    def table(self) -> int:
        """From 0."""
        return self.number("table")

    @property
    def drops(self) -> bool:
        """Nothing happens to what it matches."""
        return self.actions == "drop"

    @property
    def transport(self) -> Transport | None:
        """TCP or UDP."""
        return next((_PROTOCOLS[name] for name in self.fields if name in _PROTOCOLS), None)

    @property
    def realm(self) -> Realm | None:
        """Where what it matches comes from."""
        return _REALMS.get(self.exact("reg1") or 0)

    @property
    def source(self) -> Network | None:
        """Whoever sends."""
        return self._network("nw_src", "ipv6_src")

    @property
    def destination(self) -> Network | None:
        """To whom."""
        return self._network("nw_dst", "ipv6_dst")

    def masked(self, name: str) -> tuple[int, int] | None:
        """The value and the mask of a field that is a number."""
        text = self.fields.get(name)
        if not text:
            return None
        value, _, mask = text.partition("/")
        try:
            return int(value, 0), int(mask, 0) if mask else _EVERY_BIT
        except ValueError:
            return None

    def exact(self, name: str) -> int | None:
        """The value of a field that is matched as a whole."""
        found = self.masked(name)
        return found[0] if found is not None and found[1] == _EVERY_BIT else None

    def states(self, *wanted: str) -> bool:
        """Whether it asks conntrack for all of these: `+new`."""
        state = self.fields.get("ct_state", "")
        return all(flag in state for flag in wanted)

    def _network(self, *names: str) -> Network | None:
        for name in names:
            if name in self.fields:
                try:
                    return ip_network(self.fields[name])
                except ValueError:
                    return None
        return None


def parse_dump(text: str) -> list[Flow]:
    """What `ovs-ofctl --no-stats dump-flows` has printed."""
    return [Flow.parse(line) for line in text.splitlines() if "actions=" in line]


def parse_difference(text: str) -> tuple[list[Flow], list[Flow]]:
    """What `ovs-ofctl diff-flows` has printed: what only its first table has, and only its second.

    It takes some flows for different that are not, to the last letter.
    """
    lines = [line for line in text.splitlines() if "actions=" in line]
    first = {line[1:]: None for line in lines if line.startswith("-")}
    second = {line[1:]: None for line in lines if line.startswith("+")}
    return (
        [Flow.parse(line) for line in first if line not in second],
        [Flow.parse(line) for line in second if line not in first],
    )
