"""A controller for one moment: makes Open vSwitch honour `max_backoff`.

Open vSwitch 3.1 reads that setting only when it is reconfigured while it is connected. Until
then it waits up to 8 s between its attempts, which is long for whoever has just started a
controller. So each controlled bridge once meets this stand-in, which says hello, waits while
the switch is reconfigured, and goes.

Runs as a process of its own, since it has to listen in the switch's namespace:
`python standin.py ADDRESS PORT CONNECTIONS [ADDRESS PORT CONNECTIONS]...` says `listening` and
`connected`, and then keeps its connections for a minute, in which it is expected to be killed.
Only the standard library: it is started by its path.
"""

import socket
import struct
import sys
import time

_VERSION = 0x04  # OpenFlow 1.3
_HELLO, _ECHO_REQUEST, _ECHO_REPLY = 0, 2, 3
_PATIENCE_SECONDS = 20.0
_STAY_SECONDS = 60.0


def _message(kind: int) -> bytes:
    return struct.pack("!BBHI", _VERSION, kind, 8, kind)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("the switch has closed the connection")
        data += more
    return data


def greet(connection: socket.socket) -> None:
    """Say hello, and return once the switch has answered an echo: it counts us as connected."""
    connection.sendall(_message(_HELLO) + _message(_ECHO_REQUEST))
    kind = _HELLO
    while kind != _ECHO_REPLY:
        _, kind, length, _ = struct.unpack("!BBHI", _read(connection, 8))
        _read(connection, length - 8)


def main(arguments: list[str]) -> None:
    """Listen for all, greet all, and keep the connections."""
    listeners = [
        (socket.create_server((address, int(port))), int(count))
        for address, port, count in zip(*[iter(arguments)] * 3, strict=True)
    ]
    print("listening", flush=True)
    connections = []
    for listener, count in listeners:
        listener.settimeout(_PATIENCE_SECONDS)
        for _ in range(count):
            connection, _ = listener.accept()
            connection.settimeout(_PATIENCE_SECONDS)
            greet(connection)
            connections.append(connection)
    print("connected", flush=True)
    time.sleep(_STAY_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
