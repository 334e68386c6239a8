"""A gateway's state in memory, to ask over REST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TypeVar

from ryu_alg.engine.views import (
    BindingKind,
    BindingView,
    EventView,
    PinholeState,
    PinholeView,
    ProtocolView,
    PublishedView,
    SessionState,
    SessionView,
    StatusView,
)
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.rest.read_model import Applied, Listed, Refused

View = TypeVar("View")


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


def session(number: int, client: str = "192.168.10.2", protocol: str = "ftp") -> SessionView:
    return SessionView(
        id=number,
        protocol=protocol,
        client=at(client, 40000 + number),
        client_seen=at("203.0.113.1", 49152 + number),
        server=at("198.51.100.2", 21),
        server_seen=at("198.51.100.2", 21),
        state=SessionState.INSPECTED,
        age=60.0,
        idle=1.5,
        to_server_bytes=120,
        to_client_bytes=480,
        to_server_shift=3,
        to_client_shift=-2,
        pinholes=(number * 10,),
        data_packets=7,
        data_bytes=7000,
        user="alice",
    )


def pinhole(number: int, session: int) -> PinholeView:
    return PinholeView(
        id=number,
        session=session,
        protocol="ftp",
        transport=Transport.TCP,
        peers=(ip_network("198.51.100.2/32"),),
        realm=Realm.OUTSIDE,
        seen=at("203.0.113.1", 33000),
        listener=at("192.168.10.2", 50000),
        state=PinholeState.OPEN,
        age=2.0,
        expires_in=28.0,
    )


def binding(port: int, session: int) -> BindingView:
    return BindingView(
        transport=Transport.TCP,
        inside=at("192.168.10.2", 40001),
        public=at("203.0.113.1", port),
        kind=BindingKind.CONTROL,
        session=session,
        age=60.0,
        number=2 * port,
    )


def listening(port: int, session: int) -> list[BindingView]:
    """A public port where an inside host waits for anybody."""
    return [
        BindingView(
            transport=transport,
            inside=at("192.168.10.2", 6881),
            public=at("203.0.113.1", port),
            kind=BindingKind.LISTENING,
            session=session,
            age=60.0,
            listener=12,
            number=2 * port + index,
        )
        for index, transport in enumerate(Transport)
    ]


def status(**changed: object) -> StatusView:
    fields: dict[str, object] = {
        "version": "0.1.0",
        "uptime": 61.25,
        "datapath_id": 0xA16,
        "connected": True,
        "config_path": "/etc/ryu-alg.yaml",
        "config_sha256": "ab" * 32,
        "sessions": {"ftp": 2},
        "pinholes": {PinholeState.OPEN: 1, PinholeState.ARMED: 2},
        "bindings": {BindingKind.CONTROL: 2},
        "punts": {"ftp": 140, "icmp": 1},
        "packet_outs": 150,
        "events": {"ftp.port.foreign_address": 3},
        "data_packets": 70000,
        "data_bytes": 100_000_000,
    }
    return StatusView(**(fields | changed))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Wrong:
    file: str
    line: int
    key: str
    wrong: str
    right: str


def listed(views: list[View], key: Callable[[View], int], after: int) -> Listed[View]:
    """What the engine has in order already."""
    behind = [view for view in sorted(views, key=key) if key(view) > after]
    return Listed(len(views), iter(behind))


@dataclass
class Model:
    """Implements ReadModel."""

    all_sessions: list[SessionView] = field(default_factory=lambda: [session(2), session(1)])
    all_pinholes: list[PinholeView] = field(default_factory=lambda: [pinhole(10, 1)])
    all_bindings: list[BindingView] = field(
        default_factory=lambda: [binding(49153, 1), binding(49154, 2)]
    )
    all_events: list[EventView] = field(
        default_factory=lambda: [
            EventView(1, 1_800_000_000.0, "ftp.port.foreign_address", "PORT 9,9,9,9", 1, "ftp"),
            EventView(2, 1_800_000_001.5, "switch.connected", "\x1b[2Jdpid\x7f\n"),
        ]
    )
    now: StatusView = field(default_factory=status)
    outcome: Applied | Refused = field(
        default_factory=lambda: Applied("/etc/ryu-alg.yaml", "cd" * 32, ("timers",))
    )
    reloads: int = 0

    def sessions(self, after: int = 0) -> Listed[SessionView]:
        return listed(self.all_sessions, lambda view: view.id, after)

    def pinholes(self, after: int = 0) -> Listed[PinholeView]:
        return listed(self.all_pinholes, lambda view: view.id, after)

    def bindings(self, after: int = 0) -> Listed[BindingView]:
        return listed(self.all_bindings, lambda view: view.number, after)

    def protocols(self) -> list[ProtocolView]:
        return [
            ProtocolView(
                name="ftp",
                transports=(Transport.TCP,),
                clients=("lan",),
                servers=(ip_network("198.51.100.0/24"),),
                ports=(21, 2121),
                sizes=False,
                published=(
                    PublishedView(Transport.TCP, at("203.0.113.1", 21), at("192.168.20.2", 21)),
                ),
                on_fault="drop",
                policy={"auth": "allow"},
            )
        ]

    def events(self, after: int = 0) -> Listed[EventView]:
        return listed(self.all_events, lambda view: view.id, after)

    def status(self) -> StatusView:
        return self.now

    def end_session(self, number: int) -> bool:
        known = any(view.id == number for view in self.all_sessions)
        self.all_sessions = [view for view in self.all_sessions if view.id != number]
        return known

    def reload(self) -> Applied | Refused:
        self.reloads += 1
        return self.outcome
