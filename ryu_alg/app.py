"""The Ryu application: wires Ryu's events to the gateway and its switch, and nothing else.

Started by `ryu-alg run CONFIG`, or by `RYU_ALG_CONFIG=CONFIG ryu-manager ryu_alg.app`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

from ryu.app.wsgi import WSGIApplication
from ryu.base import app_manager
from ryu.controller import ofp_event
from ryu.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from ryu.lib import hub
from ryu.ofproto import ofproto_v1_3

from ryu_alg import garbage
from ryu_alg.alarm import Alarm
from ryu_alg.engine.commands import Command, Emit, EmitDatagram, Publish
from ryu_alg.engine.events import (
    BarrierDone,
    DataCounted,
    DatagramArrived,
    Event,
    OffloadEnded,
    PinholeExpired,
    PinholeUsed,
    PipelineInstalled,
    SegmentArrived,
    SizedDatagramArrived,
    Timeout,
)
from ryu_alg.gateway import Gateway
from ryu_alg.openflow import answers, connections, neighbours, punts
from ryu_alg.openflow.certificates import Certificates
from ryu_alg.openflow.channel import take_over
from ryu_alg.openflow.cookies import Kind, parse
from ryu_alg.openflow.ct_flush import is_forget
from ryu_alg.openflow.datagrams import NO_PROTOCOL, DatagramProtocols
from ryu_alg.openflow.media import SETTLING, Media
from ryu_alg.openflow.messages import MessageType, echo_request
from ryu_alg.openflow.neighbours import Neighbours, links
from ryu_alg.openflow.ovsdb import OvsdbError, fail_mode, local_database
from ryu_alg.openflow.packet_in import PacketIn, decode
from ryu_alg.openflow.parties import Parties
from ryu_alg.openflow.switch import Cause, Switch
from ryu_alg.rest.api import Api
from ryu_alg.rest.auth import Guard, TokenError
from ryu_alg.rest.controller import attach, listen_at
from ryu_alg.settings import FailMode
from ryu_alg.time_limit import TimeLimit

CONFIG_VARIABLE = "RYU_ALG_CONFIG"
ANSWER_TIME = 3.0
"""Seconds that the switch has to answer when another connection claims to be it."""
COUNTS_INTERVAL = 1.0
"""Seconds: the switch is asked for its counters no more often."""

_COOKIE = slice(16, 24)
"""Where an OFPT_PACKET_IN has its cookie (OpenFlow 1.3.5 section 7.4.1)."""


class AlgApp(app_manager.RyuApp):
    """One gateway switch, served."""

    OFP_VERSIONS: ClassVar = [ofproto_v1_3.OFP_VERSION]
    _CONTEXTS: ClassVar = {"wsgi": WSGIApplication}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Raises ConfigurationError, TransportError, or TokenError, or KeyError without
        RYU_ALG_CONFIG."""
        super().__init__(*args, **kwargs)
        self.gateway = Gateway(Path(os.environ[CONFIG_VARIABLE]), TimeLimit())
        self.gateway.on_applied = self._applied
        self.gateway.on_look = self._ask_for_counts
        self.gateway.dispatch = self._handle
        rest = self.gateway.settings.rest
        listen_at(str(rest.bind), rest.port)
        self._listen()
        self.api = Api(self.gateway, Guard(str(rest.bind), rest.token_file))
        attach(kwargs["wsgi"], self.api)
        self.datapath: Any = None
        self._claimant: Any = None
        self._question = 0
        self.switch: Switch | None = None
        self.neighbours = Neighbours((), self.gateway.plan.mac)
        self.media = Media()
        self.fragments = punts.Fragments(self.gateway.engine.counters)
        self._parties = Parties()
        self._settling: Any = None
        self._asked_for_counts = 0.0
        self._counts_wanted = -1
        """Transaction id of the latest request."""
        self._alarm = Alarm(self._wake)
        take_over(
            {
                MessageType.PACKET_IN: self._packet_in,
                MessageType.BARRIER_REPLY: self._barrier_reply,
                MessageType.FLOW_REMOVED: self._flow_removed,
                MessageType.MULTIPART_REPLY: self._multipart_reply,
            }
        )
        signal.signal(signal.SIGHUP, self._hang_up)
        garbage.settle()

    # -- the switch comes and goes --------------------------------------------------------------

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])
    def state_changed(self, ev: Any) -> None:
        """A switch has connected, or is gone."""
        datapath = ev.datapath
        if ev.state == DEAD_DISPATCHER:
            if datapath is self._claimant:
                self._claimant = None
            elif datapath is self.datapath:
                self._lost()
            return
        if f"{datapath.id:016x}" != self.gateway.plan.datapath_id:
            self._publish("switch.unknown", f"{datapath.id:016x} is not the configured switch")
            datapath.close()
            return
        if not self._fails_secure(datapath):
            datapath.close()
        elif self.datapath is None:
            self._serve(datapath)
        else:
            self._doubt(datapath)

    def _serve(self, datapath: Any) -> None:
        self.datapath = datapath
        if connections.is_exposed(datapath):
            self._publish(
                "switch.exposed",
                f"{datapath.address[0]} over plain TCP: who is on the way reads and changes what "
                "is said; see openflow.tls",
            )
        self.media.forgets = True  # it may be another version than before
        self._publish("switch.connected", f"{datapath.id:016x}")
        self._install()

    def _lost(self) -> None:
        self.datapath = self.switch = None
        self.gateway.connected = False
        self._publish("switch.disconnected", "established data goes on without it")
        claimant, self._claimant = self._claimant, None
        if claimant is not None:
            self._serve(claimant)

    def _doubt(self, claimant: Any) -> None:
        """Another connection claims to be the switch, and may be: one that was cut off comes
        again before its old connection is known to be dead. So the old one is asked, and keeps
        its place if it answers."""
        if self._claimant is not None:
            self._refuse(claimant)
            return
        self._claimant, self._question = claimant, self._next_xid()
        self._send(echo_request(self._question))
        hub.spawn_after(ANSWER_TIME, self._unanswered, self._question)

    def _unanswered(self, question: int) -> None:
        if self._claimant is None or self.datapath is None or question != self._question:
            return
        self._publish("switch.silent", "it answers no more, and another connection takes over")
        self.datapath.close()

    @set_ev_cls(ofp_event.EventOFPEchoReply, MAIN_DISPATCHER)
    def echo_reply(self, ev: Any) -> None:
        """The switch is there, perhaps at the question of `_doubt`."""
        if ev.msg.datapath is self.datapath and ev.msg.xid == self._question:
            claimant, self._claimant = self._claimant, None
            if claimant is not None:
                self._refuse(claimant)

    def _refuse(self, claimant: Any) -> None:
        host = claimant.address[0]
        self._publish("switch.impostor", f"{host}: the switch is connected already, and answers")
        claimant.close()

    def _fails_secure(self, datapath: Any) -> bool:
        """Whether it is known that the switch stays closed when the controller is gone.

        In Open vSwitch's default, standalone, it would become a learning switch.
        """
        gateway = self.gateway.settings.gateway
        if gateway.fail_mode is FailMode.TRUSTED:
            return True
        database = gateway.ovsdb or local_database()
        try:
            if database is None:
                raise OvsdbError("no Open vSwitch runs on this machine")
            mode = fail_mode(database, f"{datapath.id:016x}", self._certificates())
        except OvsdbError as error:
            self._publish(
                "switch.fail_mode_unverified",
                f"{error}: the switch is not served; name its database as gateway.ovsdb, or, where "
                "none can be asked, vouch for it by gateway.fail_mode: trusted",
            )
            return False
        if mode == "secure":
            return True
        how = "run `ovs-vsctl set-fail-mode BRIDGE secure`"
        self._publish("switch.not_secure", f"fail mode {mode}: the switch is not served; {how}")
        return False

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def port_changed(self, ev: Any) -> None:
        """A port was added or removed; Ryu has noted it."""
        description = ev.msg.desc
        name = description.name.decode(errors="replace")
        known = None if self.switch is None else self.switch.ports.get(name)
        present = ev.msg.reason != ev.msg.datapath.ofproto.OFPPR_DELETE
        if ev.msg.datapath is self.datapath and known != (description.port_no if present else None):
            self._install()

    def _install(self) -> None:
        """Put the pipeline of the present plan in place."""
        if self.datapath is None:
            return
        plan = self.gateway.plan
        ports: dict[str, int] = {
            port.name.decode(errors="replace"): number
            for number, port in self.datapath.ports.items()
        }
        missing = [name for name in plan.port_names if name not in ports]
        if missing:
            self._publish("switch.port_missing", f"the switch has no port {', '.join(missing)}")
            return
        switch = Switch(plan, ports, self._send, self._next_xid, self.media)
        network_links = links(plan, ports)
        if self.switch is None or links(self.switch.plan, self.switch.ports) != network_links:
            self.neighbours = Neighbours(network_links, plan.mac)
        # While the new pipeline is not in place, the old one works.
        switch.ready = self.switch is not None and self.switch.ready
        self.switch = switch
        switch.install(self.neighbours.flows(), self.gateway.handle(PipelineInstalled()))
        self._settle_later()

    def _send(self, data: bytes) -> None:
        if self.datapath is not None:
            self.datapath.write(data)

    def _next_xid(self) -> int:
        self.datapath.xid = self.datapath.xid + 1 & self.datapath.ofproto.MAX_XID
        return int(self.datapath.xid)

    # -- what the switch says -------------------------------------------------------------------

    # What follows is called from the loop that reads, see `channel.take_over`.

    def _packet_in(self, datapath: Any, message: bytes) -> bool:
        """Something was punted, or a pinhole used."""
        purpose = parse(int.from_bytes(message[_COOKIE], "big"))
        if purpose is None:
            return False
        if datapath is self.datapath and self.switch is not None and self.switch.ready:
            self._punted(self.switch, decode(message), *purpose)
        return True

    def _punted(self, switch: Switch, punt: PacketIn, kind: Kind, number: int) -> None:
        if kind is Kind.PUNT:
            self._control_packet(punt, number)
        elif kind in (Kind.DATAGRAM, Kind.KEPT_PUNT):
            self._control_packet(punt, NO_PROTOCOL)
        elif kind is Kind.FIRST_DATAGRAM:
            self._sized_datagram(punt, protocol=number)
        elif kind is Kind.LISTENER:
            self._sized_datagram(punt, listener=number)
        elif kind is Kind.FRAGMENT:
            self._fragment(punt)
        elif kind is Kind.MEDIA:
            switch.remote_port_differs(number)
        elif kind is Kind.PINHOLE:
            switch.pinhole_used(number, punt)
            self._handle(PinholeUsed(number))
        elif kind is Kind.ICMP_ERROR:
            self._icmp_error(punt)
        elif kind is Kind.NEIGHBOUR:
            self._meet(self.neighbours.frame_arrived(number, punt.frame, time.monotonic()))
        elif kind is Kind.NEIGHBOUR_MISS and punt.next_hop is not None:
            self._meet(
                self.neighbours.packet_waits(
                    punt.network, punt.next_hop, punt.frame, time.monotonic()
                )
            )

    def _control_packet(self, punt: PacketIn, protocol: int) -> None:
        self.gateway.count_punt(protocol)
        if punt.realm is None:
            return
        event = punts.control_packet(punt.frame, punt.realm, protocol)
        if isinstance(event, str):
            self.gateway.engine.counters[event] += 1
            return
        packet = event.segment if isinstance(event, SegmentArrived) else event.datagram
        if self.switch is not None:
            held = self.switch.count(punt.network, packet, time.monotonic())
            if held is not None:
                self._publish("punt.greedy", str(held))
        sender = packet.src if isinstance(event, DatagramArrived) else None
        self._in_turn(event, Cause(punt, sender=sender))

    def _in_turn(
        self, event: SegmentArrived | DatagramArrived | SizedDatagramArrived, cause: Cause
    ) -> None:
        """Have the engine handle a control packet, which may have to wait for those of others."""
        packet = event.segment if isinstance(event, SegmentArrived) else event.datagram
        party = self._parties.of(packet)
        size = len(cause.punt.frame) + sum(map(len, cause.fragments))
        dropped = self.datapath.in_turn(party, partial(self._handle, event, cause, party), size)
        if dropped:
            self._shed(dropped)

    def _shed(self, parties: Sequence[bytes]) -> None:
        self.gateway.engine.counters["punt.shed"] += len(parties)
        if self.datapath.shed == len(parties):
            self._publish(
                "punt.overload",
                f"more comes than can be done; most of what waits {ip_address(parties[0])} has "
                "caused, and what else that causes is dropped while there is no room",
            )

    def _sized_datagram(
        self, punt: PacketIn, protocol: int | None = None, listener: int | None = None
    ) -> None:
        self.gateway.count_sized(protocol, listener)
        if punt.realm is None:
            return
        event = punts.sized_datagram(punt.frame, punt.realm, protocol, listener)
        if isinstance(event, str):
            self.gateway.engine.counters[event] += 1
        else:
            self._in_turn(event, Cause(punt))

    def _fragment(self, punt: PacketIn) -> None:
        self.gateway.punts["fragment"] += 1
        if punt.realm is None or self.switch is None:
            return
        protocols, now = DatagramProtocols(self.switch.plan), time.monotonic()
        found = self.fragments.arrived(punt.frame, punt.realm, protocols, now)
        if found is None:
            return
        cause = Cause(punt, fragments=found.fragments)
        if isinstance(found, punts.OrdinaryFragments):
            self.switch.send_ordinary(cause, found, now)
        else:
            self._in_turn(found.event, cause)

    def _icmp_error(self, punt: PacketIn) -> None:
        self.gateway.punts["icmp"] += 1
        if punt.realm is None:
            return
        found = punts.icmp_error(punt.frame, punt.realm)
        if isinstance(found, str):
            self.gateway.engine.counters[found] += 1
        else:
            event, error = found
            self._handle(event, Cause(punt, error))

    def _flow_removed(self, datapath: Any, message: bytes) -> bool:
        """The time of a dynamic flow is up, or it was removed."""
        removed = answers.flow_removed(message)
        purpose = parse(removed.cookie)
        if purpose is None:
            return False
        if datapath is not self.datapath:
            return True
        kind, number = purpose
        if kind is Kind.DATA:
            counted = removed.packets, removed.bytes
            idle = removed.timed_out
            self._handle(DataCounted(number, *counted, idle=idle, removed=not idle))
        elif not removed.timed_out:
            return True
        elif kind is Kind.PINHOLE:
            self._handle(PinholeExpired(number))
        elif kind is Kind.OFFLOAD:
            self._handle(OffloadEnded(number))
        return True

    def _barrier_reply(self, datapath: Any, message: bytes) -> bool:
        """The switch has caught up."""
        if datapath is not self.datapath or self.switch is None:
            return False
        answered = self.switch.barrier_done(answers.xid(message))
        if answered.pipeline_in_place:
            self.gateway.connected = True
            self._publish("switch.ready", "the pipeline is in place")
        elif answered.token is not None and answered.late:
            hub.spawn_after(answered.late, self._handle, BarrierDone(answered.token))
        elif answered.token is not None:
            self._handle(BarrierDone(answered.token))
        else:
            return False  # perhaps somebody else has asked
        return True

    def _multipart_reply(self, datapath: Any, message: bytes) -> bool:
        """Counters of data flows, asked for by `_ask_for_counts`."""
        if datapath is not self.datapath or answers.xid(message) != self._counts_wanted:
            return False
        for flow in answers.flows_counted(message):
            purpose = parse(flow.cookie)
            if purpose is not None and purpose[0] is Kind.DATA:
                self._handle(DataCounted(purpose[1], flow.packets, flow.bytes, idle=False))
        return True

    @set_ev_cls(ofp_event.EventOFPErrorMsg, MAIN_DISPATCHER)
    def error(self, ev: Any) -> None:
        """The switch refuses something."""
        message = ev.msg
        if message.datapath is not self.datapath or self.switch is None:
            return
        if message.type == message.datapath.ofproto.OFPET_METER_MOD_FAILED:
            return  # one of each pair of meter messages fails, see `bundle`
        if is_forget(message.data):
            if self.media.forgets:
                self.switch.cannot_forget()
                self._publish("switch.cannot_forget", "closed media are cut by their marks instead")
            return
        what = f"error type {message.type} code {message.code}"
        if self.switch.refused(message.xid):
            self._publish("switch.pipeline_refused", f"{what}: the switch is not served")
        else:
            self._publish("switch.error", what)

    def _ask_for_counts(self) -> None:
        """Somebody looks at the gateway: have fresh counters for the next look."""
        now = time.monotonic()
        if self.switch is not None and now >= self._asked_for_counts + COUNTS_INTERVAL:
            self._asked_for_counts = now
            self.switch.ask_for_counts()
            self._counts_wanted = self.datapath.xid

    # -- the engine -----------------------------------------------------------------------------

    def _handle(self, event: Event, cause: Cause | None = None, party: bytes | None = None) -> None:
        commands = self.gateway.handle(event)
        if self.switch is not None and commands:
            self.gateway.packet_outs += self.switch.carry_out(commands, cause)
            self._settle_later()
            if party is not None:
                self._remember(commands, party)
        self._alarm.set(self.gateway.engine.next_timeout())

    def _remember(self, commands: list[Command], party: bytes) -> None:
        """Whose the answers are to what leaves."""
        for command in commands:
            if isinstance(command, Emit):
                self._parties.sent(command.segment, party)
            elif isinstance(command, EmitDatagram):
                self._parties.sent(command.datagram, party)

    def _settle_later(self) -> None:
        if self._settling is None and self.media.settling:
            self._settling = hub.spawn_after(SETTLING, self._settle)

    def _settle(self) -> None:
        self._settling = None
        if self.switch is not None:
            self.switch.media_settled()
            self._settle_later()

    def _meet(self, commands: list[neighbours.Command]) -> None:
        if self.switch is not None:
            self.switch.meet_neighbours(commands)
        self._alarm.set(self.neighbours.next_timeout())

    def _wake(self) -> None:
        self._handle(Timeout())
        self._meet(self.neighbours.tick(time.monotonic()))

    def _publish(self, code: str, detail: str) -> None:
        self.gateway.publish(Publish(code, detail))

    def _listen(self) -> None:
        openflow = self.gateway.settings.openflow
        where = str(openflow.bind), openflow.port
        connections.listen_at(*where, self._certificates(), self._publish)

    def _certificates(self) -> Certificates | None:
        files = self.gateway.settings.openflow.tls
        return None if files is None else Certificates(**dict(files))

    # -- the configuration ----------------------------------------------------------------------

    def _applied(self, plan_changed: bool) -> None:
        """A changed configuration is in force. Where REST listens needs a restart."""
        rest = self.gateway.settings.rest
        try:
            self.api.guard = Guard(str(rest.bind), rest.token_file)
        except TokenError as error:
            self._publish("rest.token_unusable", f"the token in use stays: {error}")
        if plan_changed:
            self._install()

    def _hang_up(self, _number: int, _frame: object) -> None:
        """SIGHUP: apply the changed file. Not in the signal handler itself, which may have
        interrupted anything."""
        hub.spawn_after(0, self.gateway.reload)
