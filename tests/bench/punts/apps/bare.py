"""A socket and a loop: what Python takes at least to turn packet-ins into packet-outs."""

from __future__ import annotations

import socket
import struct
import sys

_HEADER = struct.Struct("!BBHI")
_PACKET_IN = 10
_MATCH_LENGTH_AT = 26
_PACKET_OUT = struct.Struct("!BBHIIIH6xHHIH6x")
_OUTPUT = (0, 16, 2, 0xFFFF)  # to port 2, whole


def main(port: int) -> None:
    """Serve one switch until it goes."""
    listener = socket.create_server(("127.0.0.1", port))
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(_HEADER.pack(4, 0, 8, 0))
    kept = b""
    while data := connection.recv(1 << 18):
        kept += data
        at, out = 0, []
        while len(kept) - at >= 8:
            _, kind, size, _ = _HEADER.unpack_from(kept, at)
            if len(kept) - at < size:
                break
            if kind == _PACKET_IN:
                (length,) = struct.unpack_from("!H", kept, at + _MATCH_LENGTH_AT)
                frame = kept[at + 24 + (length + 7) // 8 * 8 + 2 : at + size]
                out.append(
                    _PACKET_OUT.pack(4, 13, 40 + len(frame), 0, 0xFFFF_FFFF, 1, 16, *_OUTPUT)
                )
                out.append(frame)
            at += size
        kept = kept[at:]
        connection.sendall(b"".join(out))


if __name__ == "__main__":
    main(int(sys.argv[1]))
