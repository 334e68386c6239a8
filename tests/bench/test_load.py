"""The load generator's own logic; the rest of it is tried on real gateways in test_peers."""

import socket
import threading

import pytest

from tests.bench import load


def test_a_passive_endpoint_is_read() -> None:
    reply = b"227 Entering Passive Mode (203,0,113,2,200,21)."
    assert load.passive_endpoint(reply) == ("203.0.113.2", 51221)


@pytest.mark.parametrize(
    "reply",
    [
        b"227 Entering Passive Mode.",
        b"227 (1,2,3,4,5)",
        b"227 (1,2,3,4,5,256)",
        b"227 (1,2,3,4,5,x)",
    ],
)
def test_a_bad_passive_endpoint_is_an_ftp_error(reply: bytes) -> None:
    with pytest.raises(load.FtpError, match="PASV: 227"):
        load.passive_endpoint(reply)


def test_a_port_argument_can_be_read_back() -> None:
    argument = load.port_argument("192.0.2.7", 50001)
    assert load.passive_endpoint(b"227 (" + argument + b")") == ("192.0.2.7", 50001)


@pytest.mark.parametrize(("share", "expected"), [(50, 2.0), (99, 4.0), (1, 1.0), (100, 4.0)])
def test_percentiles(share: int, expected: float) -> None:
    assert load.percentile([1.0, 2.0, 3.0, 4.0], share) == expected


def test_percentile_of_nothing() -> None:
    assert load.percentile([], 50) == 0.0


def test_a_session_with_a_scripted_server() -> None:
    commands: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_serve, args=(listener, commands))
        server.start()
        load.session("127.0.0.1", listener.getsockname()[1], active=False)
        server.join(5)
    assert [command.split()[0] for command in commands] == [
        *(b"USER", b"PASS", b"TYPE"),
        *(b"PASV", b"RETR", b"QUIT"),
    ]


def test_a_short_file_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_serve, args=(listener, [], 3))
        server.start()
        with pytest.raises(load.FtpError, match="3 bytes instead of 1024"):
            load.session("127.0.0.1", listener.getsockname()[1], active=False)
        server.join(5)


def _serve(listener: socket.socket, commands: list[bytes], size: int = load.SMALL_BYTES) -> None:
    """One session of a server that knows what comes; replies come in two pieces."""
    connection, _ = listener.accept()
    with connection, socket.create_server(("127.0.0.1", 0)) as data_listener:
        port = data_listener.getsockname()[1]
        replies = {
            b"USER": b"331 Password?\r\n",
            b"PASS": b"230-Welcome\r\n226 is not the end\r\n230 Welcome\r\n",
            b"TYPE": b"200 Binary\r\n",
            b"PASV": b"227 (" + load.port_argument("127.0.0.1", port) + b")\r\n",
            b"RETR": b"150 Here it comes\r\n",
            b"QUIT": b"221 Bye\r\n",
        }
        connection.sendall(b"220 Ready\r\n")
        reader = connection.makefile("rb")
        for line in reader:
            commands.append(line)
            verb = line.split()[0]
            reply = replies[verb]
            connection.sendall(reply[:2])
            connection.sendall(reply[2:])
            if verb == b"RETR":
                data, _ = data_listener.accept()
                with data:
                    data.sendall(bytes(size))
                connection.sendall(b"226 Done\r\n")
            elif verb == b"QUIT":
                break
        reader.close()
