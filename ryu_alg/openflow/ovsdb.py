"""What OpenFlow does not tell of a bridge, asked of its database (RFC 7047)."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ryu_alg.openflow.certificates import Certificates, TransportError

TIMEOUT = 3.0
"""Seconds: a switch waits for its pipeline meanwhile."""
_ANSWER_LIMIT = 1 << 20
"""Bytes: some 20,000 ports."""
_READ_SIZE = 1 << 16
"""Bytes."""

Row = dict[str, Any]
"""Values by column."""


class OvsdbError(Exception):
    """The database cannot be asked, or knows no such bridge; says why in one line."""


def local_database() -> str | None:
    """The address of this machine's Open vSwitch database, if it runs here."""
    path = Path(os.environ.get("OVS_RUNDIR", "/var/run/openvswitch")) / "db.sock"
    return f"unix:{path}" if path.is_socket() else None


def fail_mode(database: str, datapath_id: str, certificates: Certificates | None = None) -> str:
    """The fail mode of the bridge with this datapath id (16 hexadecimal digits).

    For `database` and `certificates` see `tables`. Raises OvsdbError.
    """
    found = tables(database, {"Bridge": ("datapath_id", "fail_mode")}, certificates)
    for row in found["Bridge"]:
        if row["datapath_id"] == datapath_id:
            return mode(row)
    raise OvsdbError(f"{database}: no bridge has datapath id {datapath_id}")


def mode(bridge: Row) -> str:
    """Its `fail_mode`: `standalone` is what a bridge has when nobody has set any."""
    modes = members(bridge["fail_mode"])
    return str(modes[0]) if modes else "standalone"


def tables(
    database: str,
    wanted: Mapping[str, tuple[str, ...]],
    certificates: Certificates | None = None,
    *,
    patience: float = TIMEOUT,
) -> dict[str, list[Row]]:
    """These columns of these tables, all as they are at one time. Raises OvsdbError.

    `database` is `unix:PATH`, `tcp:HOST:PORT` or, with `certificates`, `ssl:HOST:PORT`; it may be
    silent for `patience` seconds.
    """
    questions = [
        {"op": "select", "table": table, "where": [], "columns": list(columns)}
        for table, columns in wanted.items()
    ]
    request = {"method": "transact", "params": ["Open_vSwitch", *questions], "id": 0}
    try:
        with _connect(database, certificates, patience) as connection:
            connection.sendall(json.dumps(request).encode())
            answer = _read(connection)
        return {
            table: [{column: _plain(row[column]) for column in columns} for row in found["rows"]]
            for (table, columns), found in zip(wanted.items(), answer["result"], strict=True)
        }
    except (TransportError, OSError, ValueError, LookupError, TypeError) as error:
        raise OvsdbError(f"{database}: {error}") from error


def members(value: Any) -> list[Any]:
    """Those of an optional column, or of one with several values: one alone stands for itself."""
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    """Without the wrapping of uuids and sets (RFC 7047 section 5.1)."""
    match value:
        case ["uuid", text]:
            return text
        case ["set", found]:
            return [_plain(member) for member in found]
        case _:
            return value


def _connect(database: str, certificates: Certificates | None, patience: float) -> socket.socket:
    kind, _, where = database.partition(":")
    if kind in ("tcp", "ssl"):
        host, _, port = where.rpartition(":")
        connection = socket.create_connection((host.strip("[]"), int(port)), patience)
        if kind == "tcp":
            return connection
        if certificates is None:
            connection.close()
            raise ValueError("there are no certificates (openflow.tls)")
        try:
            return certificates.client_context().wrap_socket(connection)
        except BaseException:
            connection.close()
            raise
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(patience)
    try:
        connection.connect(where)
    except OSError:
        connection.close()
        raise
    return connection


def _read(connection: socket.socket) -> Any:
    """The first JSON value that comes; ValueError when it never ends."""
    data = b""
    decoder = json.JSONDecoder()
    while len(data) < _ANSWER_LIMIT:
        part = connection.recv(_READ_SIZE)
        if not part:
            break
        data += part
        try:
            return decoder.raw_decode(data.decode())[0]
        except ValueError:
            continue
    raise ValueError("the database gave no answer")
