"""rest.command and rest.client: errors are one line, and say what to do."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ryu_alg.rest import command, views
from tests.rest.model import binding, listening

COMMANDS = [command.sessions, command.pinholes, command.bindings, command.events, command.status]


def error(*arguments: str) -> str:
    result = CliRunner().invoke(command.sessions, arguments)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1, result.output
    return result.output


@contextmanager
def answering(response: bytes) -> Iterator[str]:
    """A server that answers everything with `response`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(response)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize("shown", COMMANDS)
def test_help_has_an_example(shown: click.Command) -> None:
    result = CliRunner().invoke(shown, ["--help"])
    assert result.exit_code == 0
    assert f"ryu-alg {shown.name}" in result.output


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    message = error("--url", f"http://127.0.0.1:{port}")
    assert message.startswith(
        f"Error: no gateway answers at http://127.0.0.1:{port}: Connection refused"
    )
    assert "ryu-alg run" in message


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(b'HTTP/1.0 200 OK\r\n\r\n{"sessions": [], "next": null}') as url:
        result = CliRunner().invoke(command.sessions, ["--url", url])
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.0 200 OK\r\n\r\n<html>",
        b"HTTP/1.0 200 OK\r\n\r\n[]",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n<html>",
        b"HTTP/1.0 500 X\r\nContent-Type: application/problem+json\r\n\r\nno",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{}",
    ],
)
def test_somebody_else_answers(response: bytes) -> None:
    with answering(response) as url:
        assert f"what answers at {url} is not a ryu_alg gateway" in error("--url", url)


def test_a_redirect_is_not_followed() -> None:
    elsewhere = b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n"
    with answering(elsewhere) as url:
        assert "is not a ryu_alg gateway" in error("--url", url)


def test_a_problem_is_shown() -> None:
    response = (
        b"HTTP/1.0 421 Misdirected Request\r\nContent-Type: application/problem+json\r\n\r\n"
        b'{"detail": "Only as localhost."}'
    )
    with answering(response) as url:
        assert "answers 421: Only as localhost." in error("--url", url)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "file:///etc/passwd", "http://", "http://[::1", "http://a:99999"]
)
def test_bad_urls(url: str) -> None:
    assert "no address of a gateway" in error("--url", url)


def test_bad_token_files(tmp_path: Path) -> None:
    assert "No such file" in error("--token-file", str(tmp_path / "nothing"))
    path = tmp_path / "token"
    path.write_bytes(b"\xff")
    assert "not ASCII" in error("--token-file", str(path))
    path.write_text("two words")
    assert "one word" in error("--token-file", str(path))


def test_the_commands_import_no_server_side() -> None:
    script = (
        "import sys, ryu_alg.rest.command;"
        "found = {'ryu', 'eventlet', 'webob', 'prometheus_client', 'pydantic'} & set(sys.modules);"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_a_listening_port_stays_the_same_whoever_asks_for_it() -> None:
    """For `--watch`: other ports are their sessions' own."""
    first, again = (views.binding(listening(40311, session)[0], 0.0) for session in (1, 2))
    assert command._identity(first) == command._identity(again)
    first, again = (views.binding(binding(49153, session), 0.0) for session in (1, 2))
    assert command._identity(first) != command._identity(again)
