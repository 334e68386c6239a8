"""The connected switch: carries out the engine's commands, and says what its messages mean.

Bytes go out through `send`; nothing in here knows Ryu. All that one call sends goes out in one
piece, so that no other message gets between a pinhole and its barrier.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from secrets import randbits
from typing import assert_never

from ryu_alg import packets
from ryu_alg.engine.commands import (
    Barrier,
    CloseListener,
    CloseMedia,
    ClosePinhole,
    Command,
    CountData,
    CutData,
    Emit,
    EmitDatagram,
    EmitIcmpError,
    EndOffload,
    KeepPunting,
    Offload,
    OpenListener,
    OpenMedia,
    OpenPinhole,
    Ordinary,
    PassDatagram,
    Pinhole,
    Publish,
    StopPunting,
)
from ryu_alg.engine.segment import Datagram, Segment
from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.openflow import frames, messages, neighbours, packet_out, pinholes
from ryu_alg.openflow.bundle import installation
from ryu_alg.openflow.bypass import Bypass
from ryu_alg.openflow.earlier_connections import EarlierConnections
from ryu_alg.openflow.flowtext import Command as FlowCommand
from ryu_alg.openflow.fragmentation import fragments
from ryu_alg.openflow.greedy import Greedy, Held
from ryu_alg.openflow.known_hosts import KnownHosts
from ryu_alg.openflow.listeners import Listeners
from ryu_alg.openflow.media import Media
from ryu_alg.openflow.packet_in import PacketIn
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.openflow.punts import OrdinaryFragments
from ryu_alg.openflow.render import REALM_NUMBER, meter_rates, render
from ryu_alg.openflow.reopened import REVALIDATED, Reopened
from ryu_alg.openflow.stencil import flow_mod


@dataclass(slots=True)
class Cause:
    """The punt that commands answer."""

    punt: PacketIn
    icmp: packets.IcmpError | None = None
    sender: bytes | None = None
    """Of a datagram: the packed address that it comes from."""
    fragments: tuple[bytes, ...] = ()
    """If the packet came in several frames: all of them, the punt's last."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a barrier's answer stands for."""

    token: int | None = None
    """Of an engine's barrier."""
    late: float = 0.0
    """Seconds until what came before the barrier is certain to be in effect."""
    pipeline_in_place: bool = False


@dataclass(slots=True)
class Switch:
    """One connection to the switch, from its pipeline's installation on."""

    plan: PipelinePlan
    ports: Mapping[str, int]
    """OpenFlow port numbers by name."""
    send: Callable[[bytes], None]
    next_xid: Callable[[], int]
    media: Media
    ready: bool = False
    """The pipeline is in place."""
    installing: int | None = None
    """Transaction id of the bundle that was sent last, until the switch has answered it."""
    _barriers: dict[int, int | None] = field(default_factory=dict)
    """Tokens by transaction id; None: the bundle's own."""
    _bypass: Bypass = field(default_factory=Bypass)
    _known: KnownHosts = field(init=False)
    _greedy: Greedy = field(init=False)
    listeners: Listeners = field(default_factory=Listeners)
    _earlier: EarlierConnections = field(default_factory=EarlierConnections)
    _reopened: Reopened = field(default_factory=Reopened)
    _late: set[int] = field(default_factory=set)
    """Transaction ids of barriers behind pinholes that take effect late."""

    def __post_init__(self) -> None:
        self._known = KnownHosts(self.plan.networks)
        self._greedy = Greedy(self.plan.meters.known)

    def install(self, neighbour_flows: Iterable[str], commands: Iterable[Command]) -> None:
        """Send the whole pipeline, in place of whatever the switch has, all at once: the static
        flows, those of known neighbours, and those that `commands` want.

        KeyError when the switch has no port of a name in the plan.
        """
        commands = tuple(commands)
        media_flows, ending = self.media.installed(commands, self.plan.ct_zone)
        flows = [
            *render(self.plan, self.ports),
            *neighbour_flows,
            *media_flows,
            *self.listeners.installed(commands, self.plan.ct_zone),
        ]
        barriers = []
        for command in commands:
            flows += self._flows(command)
            if isinstance(command, Barrier):
                barriers.append(self._barrier(command.token))
        self.installing = self.next_xid()
        sent = installation(flows, meter_rates(self.plan), self.installing)
        behind = (self._barrier(None), *ending, *barriers)
        self.send(b"".join((*sent.meters, *sent.bundle, *behind)))

    def _flows(self, command: Command) -> list[str]:
        """The flows that a command adds; those of media are another's."""
        match command:
            case OpenPinhole(pinhole):
                return pinholes.pinhole_flows(pinhole, self.plan.ct_zone)
            case CountData():
                return [pinholes.counter_flow(command)]
            case Offload():
                return pinholes.offload_flows(command)
            case CutData(mark, idle):
                return [pinholes.cut_flow(mark, idle)]
            case KeepPunting():
                return pinholes.kept_punt_flows(command)
            case _:
                return []

    def _barrier(self, token: int | None, late: bool = False) -> bytes:
        xid = self.next_xid()
        self._barriers[xid] = token
        if late:
            self._late.add(xid)
        return messages.barrier(xid)

    def refused(self, xid: int) -> bool:
        """The switch has answered `xid` with an error: whether that was the pipeline."""
        if xid != self.installing:
            return False
        self.installing = None
        return True

    def barrier_done(self, xid: int) -> Answered:
        """The switch has answered a barrier."""
        if xid not in self._barriers:
            return Answered()
        token = self._barriers.pop(xid)
        if token is not None:
            late = xid in self._late
            self._late.discard(xid)
            return Answered(token=token, late=REVALIDATED if late else 0.0)
        in_place = self.installing is not None
        self.installing = None
        self.ready = self.ready or in_place
        return Answered(pipeline_in_place=in_place)

    def ask_for_counts(self) -> None:
        """Have the switch send the counters of all data flows."""
        self.send(pinholes.data_counters_request(self.next_xid()))

    def meet_neighbours(self, commands: Iterable[neighbours.Command]) -> None:
        """Send what the neighbour table wants, in order."""
        out: list[bytes] = []
        for command in commands:
            match command:
                case neighbours.InstallFlow(text):
                    out.append(flow_mod(text))
                case neighbours.RemoveFlow(text):
                    out.append(flow_mod(text, FlowCommand.DELETE_STRICT))
                case neighbours.SendFrame(port, frame):
                    out.append(packet_out.through_port(frame, port))
                case _:
                    assert_never(command)
        self._send_all(out)

    def remote_port_differs(self, binding: int) -> None:
        """Data of a binding comes from another port of a remote host than was announced."""
        self._send_all(self.media.other_port(binding, self.plan.ct_zone))

    def pinhole_used(self, number: int, punt: PacketIn) -> None:
        """A pinhole has let in the SYN that the switch shows."""
        syn = packets.decode(punt.frame)
        if isinstance(syn, packets.Packet):
            source = Endpoint(ip_address(syn.src), syn.sport)
            destination = Endpoint(ip_address(syn.dst), syn.dport)
            self._earlier.came(number, source, destination)
            self._reopened.came(source, destination, time.monotonic())

    def _forgotten(self, pinhole: Pinhole) -> list[bytes]:
        """What is in the way of the connection that shall come, ended."""
        messages = self._earlier.opened(pinhole, self.plan.ct_zone)
        return messages if self.media.forgets else []

    def media_settled(self) -> None:
        """See `Media.settled`."""
        self._send_all(self.media.settled())

    def cannot_forget(self) -> None:
        """The switch does not know how to forget connections."""
        self._send_all(self.media.cannot_forget())

    def send_ordinary(self, cause: Cause, ordinary: OrdinaryFragments, now: float) -> None:
        """Fragments that were punted go on as ordinary traffic, and so do others of the same
        hosts from `now` on, in seconds."""
        realm = cause.punt.realm
        if realm is None:
            return
        flow = self._bypass.flow(realm, ordinary.source, ordinary.destination, now)
        out = [] if flow is None else [flow_mod(flow)]
        self._send_all([*out, *_as_ordinary(cause, REALM_NUMBER[realm])])

    def _send_all(self, out: list[bytes]) -> None:
        if out:
            self.send(b"".join(out))

    def _passed(self, command: PassDatagram) -> bytes:
        datagram, realm = command.datagram, command.realm
        source = ip_address(datagram.src)
        networks = [network for network in self.plan.networks if network.realm is realm]
        if realm is Realm.INSIDE:
            networks = [n for n in networks if any(source in p for p in n.prefixes(source.version))]
        network = networks[0]
        return packet_out.as_ordinary(
            frames.udp(datagram, randbits(16)),
            self.ports[network.port],
            REALM_NUMBER[realm],
            network.number,
            packet_out.ANSWERED if command.answered else packet_out.SEEN,
        )

    def count(self, network: int, packet: Segment | Datagram, now: float) -> Held | None:
        """Count a control packet from a network, at `now` in seconds. The conversation that has
        taken too much of its budget by that, if there is one; it is held down from here on."""
        held = self._greedy.seen(network, packet, now)
        if held is not None:
            self.send(flow_mod(held.flow))
        return held

    def _meet(self, cause: Cause | None, datagram: Datagram) -> list[bytes]:
        """An inside host's datagram goes on: both ends are known from here on."""
        if cause is None or cause.sender is None or cause.punt.realm is not Realm.INSIDE:
            return []
        if datagram.dst == cause.sender:
            return []  # it was refused
        now = time.monotonic()
        flows = self._known.met(cause.sender, now) + self._known.met(datagram.dst, now)
        return list(map(flow_mod, flows))

    def carry_out(self, commands: Iterable[Command], cause: Cause | None = None) -> int:
        """Send what `commands` want, in order: how many packets among it."""
        out: list[bytes] = []
        sent = 0
        late = False
        for command in commands:
            match command:
                case Emit(segment):
                    out.append(packet_out.through_egress(frames.tcp(segment)))
                    sent += 1
                case EmitDatagram(datagram):
                    pieces = _datagram_frames(datagram)
                    out += map(packet_out.through_egress, pieces)
                    out += self._meet(cause, datagram)
                    sent += len(pieces)
                case PassDatagram():
                    out.append(self._passed(command))
                    sent += 1
                case OpenListener():
                    out += self.listeners.open(command, self.plan.ct_zone)
                case CloseListener(number):
                    out += self.listeners.close(number, self.plan.ct_zone)
                case OpenMedia():
                    out += self.media.open(command, self.plan.ct_zone)
                case CloseMedia():
                    out += self.media.close(command, self.plan.ct_zone)
                case OpenPinhole(pinhole):
                    out += self._forgotten(pinhole)
                    late = late or self._reopened.takes_effect_late(pinhole, time.monotonic())
                    out += map(flow_mod, self._flows(command))
                case CountData() | CutData() | Offload() | KeepPunting():
                    out += map(flow_mod, self._flows(command))
                case ClosePinhole(number):
                    self._earlier.closed(number)
                    out.append(pinholes.close_pinhole(number))
                case EndOffload(number):
                    out.append(pinholes.end_offload(number))
                case StopPunting(number):
                    out.append(pinholes.stop_punting(number))
                case Barrier(token):
                    out.append(self._barrier(token, late))
                    late = False
                case Ordinary():
                    if cause is not None and cause.punt.realm is not None:
                        out += _as_ordinary(cause, REALM_NUMBER[cause.punt.realm])
                case EmitIcmpError():
                    if cause is not None and cause.icmp is not None:
                        frame = frames.icmp_error(command, cause.icmp)
                        out.append(packet_out.through_egress(frame))
                case Publish():
                    pass  # the gateway's own
                case _:
                    assert_never(command)
        self._send_all(out)
        return sent


def _as_ordinary(cause: Cause, realm: int) -> list[bytes]:
    """What caused a command goes on as if it had not been punted."""
    punt = cause.punt
    if not cause.fragments:
        return [packet_out.as_ordinary(punt.frame, punt.in_port, realm, punt.network)]
    return [
        packet_out.fragment_as_ordinary(fragment, punt.in_port, realm, punt.network)
        for fragment in cause.fragments
    ]


def _datagram_frames(datagram: Datagram) -> list[bytes]:
    """One frame, or several if it outgrows a link; none if it outgrows IP."""
    if len(datagram.payload) > packets.LONGEST_UDP:
        return []
    identification = randbits(32)
    return fragments(frames.udp(datagram, identification & 0xFFFF), identification)
