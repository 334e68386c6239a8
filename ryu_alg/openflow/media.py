"""UDP data of bindings: the flows that let it through, and its end.

A path is three flows. What comes from its remote endpoint, and what the inside endpoint sends
there, begins a connection without a word to the controller. What comes from another port of the
remote address does too, but the controller is told: such a connection can be found again only by
going through all that the switch has. Where the inside endpoint has no port, there is one flow:
whatever port the inside host sends from.

The data of a path that is gone ends because the switch forgets its connections (`ct_flush`). It
forgets them twice: a flow that the datapath has cached goes on for some milliseconds after the
barrier, and may begin a connection again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ryu_alg.engine.commands import CloseMedia, Command, MediaPath, OpenMedia
from ryu_alg.inspection import Address, Endpoint, Realm, Transport
from ryu_alg.openflow import pinholes
from ryu_alg.openflow.cookies import EVERY, Kind, cookie
from ryu_alg.openflow.ct_flush import forget
from ryu_alg.openflow.datagrams import DESTINATION, SOURCE
from ryu_alg.openflow.flowtext import Command as FlowCommand
from ryu_alg.openflow.flowtext import delete_by_cookie
from ryu_alg.openflow.render import REALM_NUMBER, transport_match
from ryu_alg.openflow.stencil import flow_mod

SETTLING = 1.0
"""Seconds after which the datapath has surely looked at its cache again: twice as long as Open
vSwitch takes at most between two looks."""

_EXACT, _ANY_PORT = 400, 390
_CUT_IDLE = 180
"""Seconds; where connections cannot be forgotten, they are cut until conntrack itself has."""


@dataclass(slots=True)
class _Open:
    """One binding's data, as the switch was told last."""

    mark: int
    paths: tuple[MediaPath, ...]
    other_ports: bool = False
    """A remote host has sent from another port than its endpoint's."""


@dataclass(slots=True)
class Media:
    """What is open in the switch. Outlives a connection to it, as the data does."""

    forgets: bool = True
    """The switch knows how to forget connections."""
    _open: dict[int, _Open] = field(default_factory=dict)
    _again: dict[bytes, int | None] = field(default_factory=dict)
    """Messages that have connections forgotten, to be sent again; and the mark of the data that
    they end for good."""
    _ripening: dict[bytes, int | None] = field(default_factory=dict)
    """The same, too young to be sent again the next time."""

    @property
    def settling(self) -> bool:
        """Whether `settled` has something to say."""
        return bool(self._again or self._ripening)

    def open(self, command: OpenMedia, zone: int) -> list[bytes]:
        """The messages that carry out `OpenMedia`."""
        before = self._open.get(command.id, _Open(command.mark, ()))
        self._open[command.id] = _Open(command.mark, command.paths, before.other_ports)
        kept = _flows(command.id, command.mark, before.paths, zone)
        flows = self.flows(command, zone)
        gone = [match for match in kept if match not in flows]
        return [
            *(flow_mod(match, FlowCommand.DELETE_STRICT) for match in gone),
            *(flow_mod(f"{match} actions={actions}") for match, actions in flows.items()),
            *self._forgotten(before, _without(before.paths, command.paths), None, zone),
            *self._forgotten_before(_without(command.paths, before.paths), zone),
        ]

    def close(self, command: CloseMedia, zone: int) -> list[bytes]:
        """The messages that carry out `CloseMedia`."""
        before = self._open.pop(command.id, _Open(command.mark, (), other_ports=True))
        paths = [*before.paths, *_without(command.paths, before.paths)]
        return [
            delete_by_cookie(cookie(Kind.MEDIA, command.id), EVERY),
            delete_by_cookie(cookie(Kind.DATA, command.mark), EVERY),
            *self._forgotten(before, paths, command.mark, zone),
        ]

    def installed(self, commands: Iterable[Command], zone: int) -> tuple[list[str], list[bytes]]:
        """All flows that are in place of the switch's, after `commands`; and the messages that
        end what is not open any more."""
        opened = {command.id: command for command in commands if isinstance(command, OpenMedia)}
        before, self._open = self._open, {}
        ending: list[bytes] = []
        for binding, known in before.items():
            paths = opened[binding].paths if binding in opened else ()
            mark = None if binding in opened else known.mark
            ending += self._forgotten(known, _without(known.paths, paths), mark, zone)
        flows: list[str] = []
        for binding, command in opened.items():
            other_ports = binding in before and before[binding].other_ports
            self._open[binding] = _Open(command.mark, command.paths, other_ports)
            made = self.flows(command, zone)
            flows += [f"{match} actions={actions}" for match, actions in made.items()]
        return flows, ending

    def flows(self, command: OpenMedia, zone: int) -> dict[str, str]:
        """Actions by match."""
        known = self._open.get(command.id)
        told = known is not None and known.other_ports
        return _flows(command.id, command.mark, command.paths, zone, tell=not told)

    def other_port(self, binding: int, zone: int) -> list[bytes]:
        """A remote host sends from another port: the messages that keep the switch from saying
        so again."""
        known = self._open.get(binding)
        if known is None or known.other_ports:
            return []
        known.other_ports = True
        quiet = _flows(binding, known.mark, known.paths, zone, tell=False)
        return [flow_mod(f"{match} actions={actions}") for match, actions in quiet.items()]

    def settled(self) -> list[bytes]:
        """To be called every `SETTLING` while there is something to settle: ends what has begun
        again since."""
        ripe, self._again, self._ripening = self._again, self._ripening, {}
        return list(ripe)

    def cannot_forget(self) -> list[bytes]:
        """The switch has refused to forget connections: what is gone is cut instead."""
        self.forgets = False
        marks = {*self._again.values(), *self._ripening.values()} - {None}
        self._again, self._ripening = {}, {}
        return [self._cut(mark) for mark in sorted(marks, key=str) if mark is not None]

    @staticmethod
    def _cut(mark: int) -> bytes:
        return flow_mod(pinholes.cut_flow(mark, _CUT_IDLE))

    def _forgotten(
        self, known: _Open, gone: list[MediaPath], mark: int | None, zone: int
    ) -> list[bytes]:
        """End what these paths let through; `mark`, if all with that mark is to end."""
        if not self.forgets:
            return [] if mark is None else [self._cut(mark)]
        ends: list[bytes] = []
        for path in gone:
            ends.append(_from_inside(path, zone))
            if not path.inside.port:
                continue
            ends.append(_from_remote(path, zone))
            if known.other_ports:
                ends.append(
                    forget(
                        zone,
                        Transport.UDP,
                        source=path.remote.address,
                        destination=path.public.address,
                        destination_port=path.public.port,
                    )
                )
        self._ripening.update(dict.fromkeys(ends, mark))
        return ends

    def _forgotten_before(self, new: list[MediaPath], zone: int) -> list[bytes]:
        """End what inside endpoints sent along these paths as ordinary traffic."""
        if not self.forgets:
            return []
        ends = [_from_inside(path, zone) for path in new if path.inside.port]
        for end in ends:
            self._ripening.setdefault(end, None)
        return ends


def _without(paths: Sequence[MediaPath], others: Sequence[MediaPath]) -> list[MediaPath]:
    """The paths, each once, that are not among the others."""
    left_out = set(others)
    return [path for path in dict.fromkeys(paths) if path not in left_out]


def _from_inside(path: MediaPath, zone: int) -> bytes:
    return forget(
        zone,
        Transport.UDP,
        source=path.inside.address,
        source_port=path.inside.port or None,
        destination=path.remote.address,
        destination_port=path.remote.port,
    )


def _from_remote(path: MediaPath, zone: int) -> bytes:
    return forget(
        zone,
        Transport.UDP,
        source=path.remote.address,
        source_port=path.remote.port,
        destination=path.public.address,
        destination_port=path.public.port,
    )


def _flows(
    binding: int, mark: int, paths: tuple[MediaPath, ...], zone: int, *, tell: bool = True
) -> dict[str, str]:
    """Actions by match; paths with the same remote address share a flow."""
    own = f"table=3,cookie={cookie(Kind.MEDIA, binding):#x}"
    commit = f"ct(commit,table=4,zone={zone}{{nat}},exec(load:{mark:#x}->NXM_NX_CT_MARK[]))"
    told = "controller(max_len=0)," if tell else ""
    made: dict[str, str] = {}
    for path in paths:
        to_inside = to_outside = commit.format(nat="")
        if path.public != path.inside:
            inside, public = path.inside, path.public
            to_inside = commit.format(nat=f",nat(dst={inside.address}:{inside.port})")
            ports = f"{public.port}-{public.port}"
            to_outside = commit.format(nat=f",nat(src={public.address}:{ports})")
        begins = (
            f"ct_state=+new-inv+trk,{transport_match(Transport.UDP, path.inside.address.version)}"
        )
        from_inside = f"{begins},reg1={REALM_NUMBER[Realm.INSIDE]}"
        if not path.inside.port:
            made[
                f"{own},priority={_EXACT},{from_inside},{_ends(path.inside.address, path.remote)}"
            ] = to_outside
            continue
        from_outside = f"{begins},reg1={REALM_NUMBER[Realm.OUTSIDE]}"
        exact = _ends(path.remote, path.public)
        made[f"{own},priority={_EXACT},{from_outside},{exact}"] = to_inside
        # Reading the port makes the datapath look here for each connection, not once for all.
        any_port = _ends(path.remote.address, path.public)
        made[f"{own},priority={_ANY_PORT},{from_outside},{any_port}"] = (
            "move:NXM_OF_UDP_SRC[]->NXM_NX_REG6[0..15],load:0->NXM_NX_REG6[0..15],"
            f"{told}{to_inside}"
        )
        exact = _ends(path.inside, path.remote)
        made[f"{own},priority={_EXACT},{from_inside},{exact}"] = to_outside
    return made


def _ends(source: Endpoint | Address, destination: Endpoint) -> str:
    """The match of both ends; of a source that is an address, any port."""
    version = destination.address.version
    ends = f"{DESTINATION[version]}={destination.address},tp_dst={destination.port}"
    if isinstance(source, Endpoint):
        return f"{SOURCE[version]}={source.address},tp_src={source.port},{ends}"
    return f"{SOURCE[version]}={source},{ends}"
