"""What OpenFlow does not tell of a bridge: its fail mode, asked of its database (RFC 7047)."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from ryu_alg.openflow.certificates import Certificates, TransportError

TIMEOUT = 3.0
"""Seconds for the whole question."""
_ANSWER_LIMIT = 65536
"""Bytes."""


class OvsdbError(Exception):
    """The database cannot be asked, or knows no such bridge; says why in one line."""


def local_database() -> str | None:
    """The address of this machine's Open vSwitch database, if it runs here."""
    path = Path(os.environ.get("OVS_RUNDIR", "/var/run/openvswitch")) / "db.sock"
    return f"unix:{path}" if path.is_socket() else None


def fail_mode(database: str, datapath_id: str, certificates: Certificates | None = None) -> str:
    """The fail mode of the bridge with this datapath id (16 hexadecimal digits).

    `standalone` is what an Open vSwitch bridge has when nobody has set any. `database` is
    `unix:PATH`, `tcp:HOST:PORT` or, with `certificates`, `ssl:HOST:PORT`. Raises OvsdbError.
    """
    question = {
        "op": "select",
        "table": "Bridge",
        "where": [["datapath_id", "==", datapath_id]],
        "columns": ["fail_mode"],
    }
    request = {"method": "transact", "params": ["Open_vSwitch", question], "id": 0}
    try:
        with _connect(database, certificates) as connection:
            connection.sendall(json.dumps(request).encode())
            answer = _read(connection)
        modes = [row["fail_mode"] for row in answer["result"][0]["rows"]]
    except (TransportError, OSError, ValueError, LookupError, TypeError) as error:
        raise OvsdbError(f"{database}: {error}") from error
    if not modes:
        raise OvsdbError(f"{database}: no bridge has datapath id {datapath_id}")
    # An optional column is a set: empty when nothing was set.
    return modes[0] if isinstance(modes[0], str) else "standalone"


def _connect(database: str, certificates: Certificates | None) -> socket.socket:
    kind, _, where = database.partition(":")
    if kind in ("tcp", "ssl"):
        host, _, port = where.rpartition(":")
        connection = socket.create_connection((host.strip("[]"), int(port)), TIMEOUT)
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
    connection.settimeout(TIMEOUT)
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
        part = connection.recv(4096)
        if not part:
            break
        data += part
        try:
            return decoder.raw_decode(data.decode())[0]
        except ValueError:
            continue
    raise ValueError("the database gave no answer")
