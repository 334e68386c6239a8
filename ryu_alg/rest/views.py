"""The engine's views as JSON. Order of keys here is the order of fields in the commands.

Endpoints are written as in a URI: `192.0.2.1:21`, `[2001:db8::1]:21`; durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from ryu_alg.engine.views import (
    BindingView,
    EventView,
    PinholeView,
    ProtocolView,
    SessionView,
    StatusView,
)

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def session(view: SessionView, now: float) -> dict[str, Json]:
    """`now` is Unix time, here and below."""
    return {
        "id": view.id,
        "protocol": view.protocol,
        "transport": view.transport.name.lower(),
        "state": view.state.value,
        "client": str(view.client),
        "client_seen": str(view.client_seen),
        "server": str(view.server),
        "server_seen": str(view.server_seen),
        "user": view.user,
        "since": timestamp(now - view.age),
        "idle": round(view.idle, 3),
        "to_server_bytes": view.to_server_bytes,
        "to_client_bytes": view.to_client_bytes,
        "to_server_shift": view.to_server_shift,
        "to_client_shift": view.to_client_shift,
        "pinholes": list(view.pinholes),
        "data_packets": view.data_packets,
        "data_bytes": view.data_bytes,
    }


def pinhole(view: PinholeView, now: float) -> dict[str, Json]:
    return {
        "id": view.id,
        "session": view.session,
        "protocol": view.protocol,
        "state": view.state.value,
        "transport": view.transport.name.lower(),
        "realm": view.realm.value,
        "peers": [str(network) for network in view.peers],
        "seen": str(view.seen),
        "listener": str(view.listener),
        "remote": None if view.remote is None else str(view.remote),
        "binding": view.binding,
        "since": timestamp(now - view.age),
        "expires_in": None if view.expires_in is None else round(view.expires_in, 3),
    }


def binding(view: BindingView, now: float) -> dict[str, Json]:
    return {
        "transport": view.transport.name.lower(),
        "inside": str(view.inside),
        "public": str(view.public),
        "kind": view.kind.value,
        "session": view.session,
        "listener": view.listener,
        "since": timestamp(now - view.age),
    }


def protocol(view: ProtocolView) -> dict[str, Json]:
    """Conversations that inside hosts begin, and those that come in from outside."""
    return {
        "name": view.name,
        "transports": [transport.name.lower() for transport in view.transports],
        "from_inside": {
            "networks": list(view.clients),
            "servers": [str(network) for network in view.servers],
            "ports": list(view.ports),
            "by_size": view.sizes,
        },
        "from_outside": [
            {
                "transport": service.transport.name.lower(),
                "public": str(service.public),
                "inside": str(service.inside),
            }
            for service in view.published
        ],
        "on_fault": view.on_fault,
        "policy": view.policy,
    }


def event(view: EventView) -> dict[str, Json]:
    return {
        "id": view.id,
        # Finer than elsewhere: a capture's packets can be put in order with it.
        "time": timestamp(view.time, "microseconds"),
        "code": view.code,
        "protocol": view.protocol,
        "session": view.session,
        "detail": view.detail,
    }


def status(view: StatusView) -> dict[str, Json]:
    return {
        "version": view.version,
        "uptime": round(view.uptime, 3),
        "datapath_id": f"{view.datapath_id:016x}",
        "connected": view.connected,
        "config": {"path": view.config_path, "sha256": view.config_sha256},
        "sessions": counts(view.sessions),
        "pinholes": counts(view.pinholes),
        "bindings": counts(view.bindings),
        "punts": counts(view.punts),
        "packet_outs": view.packet_outs,
        "data_packets": view.data_packets,
        "data_bytes": view.data_bytes,
        "events": counts(view.events),
    }


def counts(numbers: Mapping[Any, int]) -> dict[str, int]:
    """Keys are strings or enums; they come out sorted, as strings."""
    named = {
        key.value if isinstance(key, Enum) else str(key): number for key, number in numbers.items()
    }
    return dict(sorted(named.items()))


def timestamp(unix: float, precision: str = "milliseconds") -> str:
    """RFC 3339, UTC."""
    text = datetime.fromtimestamp(unix, UTC).isoformat(timespec=precision)
    return text.replace("+00:00", "Z")
