"""The running gateway without its switch: engine, configuration, event log, counters.

No Ryu in here: the REST endpoint reads it, the application feeds it.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from ryu_alg import __version__, assembly
from ryu_alg.engine import snapshot
from ryu_alg.engine.commands import Command, Publish
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import Event, SessionUnwanted
from ryu_alg.engine.supervision import Watch, unwatched
from ryu_alg.engine.views import (
    BindingView,
    EventView,
    PinholeView,
    ProtocolView,
    SessionView,
    StatusView,
)
from ryu_alg.event_log import EventLog
from ryu_alg.openflow.datagrams import NO_PROTOCOL
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.rest.read_model import Applied, Listed, Refused
from ryu_alg.settings import ConfigurationError, Settings, load, load_to_start

LOG = logging.getLogger("ryu_alg")


class Gateway:
    """Implements `ryu_alg.rest.read_model.ReadModel`."""

    def __init__(self, config_path: Path, watch: Watch = unwatched) -> None:
        """`watch` limits the time of inspectors. Raises ConfigurationError."""
        self.config_path = config_path
        self._watch = watch
        self.settings, left_out = load_to_start(config_path)
        self._sha256 = _digest(config_path)
        self.plan: PipelinePlan = assembly.pipeline_plan(
            self.settings, assembly.protocol_specs(self.settings)
        )
        self.engine = Engine(
            assembly.engine_config(self.settings, assembly.protocol_specs(self.settings), watch)
        )
        self.connected = False
        self.punts: Counter[str] = Counter()
        self.packet_outs = 0
        self._events = EventLog()
        self._started = time.monotonic()
        self.on_applied: Callable[[bool], None] = _ignore
        """Called after a reload; True when the switch's static flows change."""
        self.on_look: Callable[[], None] = _nothing
        """Called when somebody looks: a good moment to ask the switch for fresh counters."""
        self.dispatch: Callable[[Event], object] = self.handle
        """Has an event handled, and its commands carried out."""
        for problem in left_out:
            self.publish(Publish("protocol.unusable", f"left out: {problem}"))

    # -- events in, commands out ----------------------------------------------------------------

    def handle(self, event: Event) -> list[Command]:
        """Have the engine handle `event`: the commands for the switch are left to carry out."""
        commands = self.engine.handle(event, time.monotonic())
        left: list[Command] = []
        for command in commands:
            if isinstance(command, Publish):
                self.publish(command)
            else:
                left.append(command)
        return left

    def count_punt(self, protocol: int) -> None:
        """A control packet came; `protocol` is the index that its flow names."""
        binding = self.engine.config.protocol_at(protocol)
        self.punts["other" if binding is None else binding.name] += 1

    def count_sized(self, protocol: int | None, listener: int | None) -> None:
        """A datagram came because of its size: `protocol` as above, or the id of a listening port,
        whichever its flow names."""
        port = self.engine.tables.listeners.live.get(listener or 0)
        if port is not None:
            self.punts[port.protocol] += 1
        else:
            self.count_punt(NO_PROTOCOL if protocol is None else protocol)

    def publish(self, event: Publish) -> None:
        """Something happened."""
        self._events.add(event, time.time())

    # -- ReadModel ------------------------------------------------------------------------------

    def sessions(self, after: int = 0) -> Listed[SessionView]:
        """Every session."""
        self.on_look()
        views = snapshot.sessions(self.engine, time.monotonic(), after)
        return Listed(snapshot.sessions_total(self.engine), views)

    def pinholes(self, after: int = 0) -> Listed[PinholeView]:
        """Every pinhole."""
        views = snapshot.pinholes(self.engine, time.monotonic(), after)
        return Listed(snapshot.pinholes_total(self.engine), views)

    def bindings(self, after: int = 0) -> Listed[BindingView]:
        """Every public port in use."""
        views = snapshot.bindings(self.engine, time.monotonic(), after)
        return Listed(snapshot.bindings_total(self.engine), views)

    def protocols(self) -> Iterable[ProtocolView]:
        """What the configuration in force binds, in its order."""
        return assembly.protocol_views(self.settings, assembly.protocol_specs(self.settings))

    def events(self, after: int = 0) -> Listed[EventView]:
        """The most recent events."""
        kept = self._events.kept
        return Listed(len(kept), (event for event in kept if event.id > after))

    def status(self) -> StatusView:
        """The gateway as a whole."""
        self.on_look()
        now = time.monotonic()
        engine = self.engine
        return StatusView(
            version=__version__,
            uptime=now - self._started,
            datapath_id=int(self.plan.datapath_id, 16),
            connected=self.connected,
            config_path=str(self.config_path),
            config_sha256=self._sha256,
            sessions={
                binding.name: engine.tables.quotas.by_protocol[binding.name]
                for binding in engine.config.protocols
            },
            pinholes=snapshot.pinhole_states(engine),
            bindings=snapshot.binding_kinds(engine),
            punts=self.punts,
            packet_outs=self.packet_outs,
            events=self._events.counts + engine.counters,
            data_packets=engine.tables.marks.total.packets,
            data_bytes=engine.tables.marks.total.bytes,
        )

    def reload(self) -> Applied | Refused:
        """Read the configuration file again; a bad one is refused whole."""
        try:
            settings = load(self.config_path)
        except ConfigurationError as error:
            for problem in error.problems:
                LOG.error("not applied: %s", problem)
            self.publish(Publish("config.refused", f"{len(error.problems)} mistakes"))
            return Refused(error.problems)
        changed = _differences(self.settings, settings)
        specs = assembly.protocol_specs(settings)
        plan = assembly.pipeline_plan(settings, specs)
        config = assembly.engine_config(settings, specs, self._watch)
        plan_changed = plan != self.plan
        self.settings, self.plan = settings, plan
        self.engine.reconfigure(config)
        self._sha256 = _digest(self.config_path)
        self.on_applied(plan_changed)
        self.publish(Publish("config.applied", ", ".join(changed) or "nothing changed"))
        return Applied(str(self.config_path), self._sha256, changed)

    def end_session(self, number: int) -> bool:
        """End a control conversation and cut its data; False if there is no such session."""
        if not self.engine.knows(number):
            return False
        self.dispatch(SessionUnwanted(number))
        return True


def _nothing() -> None:
    """Nobody wants to know."""


def _ignore(_plan_changed: bool) -> None:
    """Nobody wants to know."""


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _differences(old: Settings, new: Settings) -> tuple[str, ...]:
    """The top-level keys that differ."""
    return tuple(key for key in type(new).model_fields if getattr(old, key) != getattr(new, key))
