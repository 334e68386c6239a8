"""rest.controller: on Ryu's own WSGI application, and on its server, over loopback."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from ryu_alg.rest import command

ROOT = Path(__file__).parents[2]
TOKEN = "k3ep-this-t0ken-secret"

Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server, on the address and with the arguments given; returns its port."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> int:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.rest.server", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        return int(process.stdout.readline())

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, Message, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def problem(answer: tuple[int, Message, str], status: int) -> dict[str, Any]:
    assert answer[0] == status, answer
    assert answer[1]["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer[2])
    assert body["status"] == status
    return body


def test_the_endpoint(serve: Serve) -> None:
    port = serve("127.0.0.1")
    status, headers, body = ask(port, "/v1.0/alg/sessions?limit=1")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert [item["id"] for item in json.loads(body)["sessions"]] == [1]
    problem(ask(port, "/nowhere"), 404)
    problem(ask(port, "/v1.0/alg/%ff"), 404)
    wrong = ask(port, "/v1.0/alg/sessions", "PUT")
    problem(wrong, 405)
    assert wrong[1]["Allow"] == "GET, HEAD"
    problem(ask(port, "/v1.0/alg/status", Host="attacker.example"), 421)
    assert ask(port, "/v1.0/alg/config", "POST")[0] == 200
    assert ask(port, "/v1.0/alg/status", "HEAD")[2] == ""
    status, _, text = ask(port, "/metrics")
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {"ryu_alg_punts", "ryu_alg_sessions", "ryu_alg_pinholes"} <= families


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "attacker.example:8080"}, 421),
        ({"Host": "127.0.0.1.attacker.example"}, 421),
        ({"Origin": "http://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
    ids=["rebinding", "name like an address", "form", "sandbox", "link"],
)
def test_a_web_page_in_a_local_browser(serve: Serve, headers: dict[str, str], status: int) -> None:
    """It reads nothing and changes nothing: not by DNS rebinding, and not by posting a form."""
    port = serve("127.0.0.1")
    text = {"Content-Type": "text/plain"}
    for method, path in (
        ("GET", "/v1.0/alg/sessions"),
        ("GET", "/metrics"),
        ("OPTIONS", "/v1.0/alg/config"),
        ("POST", "/v1.0/alg/config"),
        ("DELETE", "/v1.0/alg/sessions/1"),
    ):
        refused = ask(port, path, method, **headers, **text)
        problem(refused, status)
        assert not [name for name in refused[1] if name.lower().startswith("access-control-")]
    listed = json.loads(ask(port, "/v1.0/alg/sessions")[2])["sessions"]
    assert [item["id"] for item in listed] == [1, 2], "the configuration was read again"


def test_a_body_of_any_length_is_not_read(serve: Serve) -> None:
    port = serve("127.0.0.1")
    connection = HTTPConnection("127.0.0.1", port, timeout=15)
    connection.putrequest("POST", "/v1.0/alg/config")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders(b"x" * 1000)
    assert connection.getresponse().status == 400
    connection.close()
    assert ask(port, "/v1.0/alg/status")[0] == 200


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_a_head_of_any_length_is_refused(serve: Serve, size: int) -> None:
    port = serve("127.0.0.1")
    with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(b"GET /" + b"x" * size)
        with contextlib.suppress(ConnectionResetError):
            assert b" 414 " in client.recv(100)
    assert ask(port, "/v1.0/alg/status")[0] == 200


def test_the_token(serve: Serve, token_file: Path) -> None:
    port = serve("0.0.0.0", str(token_file))
    for path in ("/v1.0/alg/sessions", "/metrics", "/nowhere"):
        refused = ask(port, path)
        problem(refused, 401)
        assert refused[1]["WWW-Authenticate"].startswith("Bearer")
        problem(ask(port, path, Authorization="Bearer wrong"), 401)
    assert ask(port, "/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200


def test_elsewhere_without_a_token_does_not_start() -> None:
    started = subprocess.run(
        [sys.executable, "-m", "tests.rest.server", "0.0.0.0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode != 0
    assert "rest.token_file is required" in started.stderr


def test_other_applications_stay_reachable_behind_the_guard(token_file: Path) -> None:
    script = f"""
import pathlib, warnings
warnings.simplefilter("ignore")
from ryu_alg import ryu_repair
ryu_repair.install()
import webob
from ryu.app.wsgi import ControllerBase, WSGIApplication, route
from ryu_alg.rest.api import Api
from ryu_alg.rest.auth import Guard
from ryu_alg.rest.controller import attach
from tests.rest.model import Model

class Other(ControllerBase):
    @route("other", "/other", methods=["GET"])
    def other(self, req, **_):
        return webob.Response(b"other")

wsgi = WSGIApplication()
attach(wsgi, Api(Model(), Guard("0.0.0.0", pathlib.Path({str(token_file)!r}))))
wsgi.register(Other)  # later than ours
shown = {{"Authorization": "Bearer {TOKEN}"}}
def ask(path, **options):
    request = webob.Request.blank(path, **options)
    del request.environ["QUERY_STRING"]
    return request.get_response(wsgi)
assert ask("/other", headers=shown).body == b"other"
assert ask("/other").status_int == 401
assert ask("/other", method="POST", headers=shown).status_int == 404
assert ask("/v1.0/alg/sessions", headers=shown).status_int == 200
assert ask("/v1.0/alg/sessions", headers=shown).json["total"] == 2
assert ask("/v1.0/alg/nothing", headers=shown).content_type == "application/problem+json"
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)


def test_the_commands(serve: Serve, token_file: Path) -> None:
    port = serve("127.0.0.1", str(token_file))
    runner = CliRunner()
    options = ["--url", f"http://127.0.0.1:{port}", "--token-file", str(token_file)]
    listed = runner.invoke(command.sessions, options)
    assert listed.exit_code == 0, listed.output
    assert [line.split()[:4] for line in listed.output.splitlines()] == [
        ["ftp", "tcp", "inspected", "id=1"],
        ["ftp", "tcp", "inspected", "id=2"],
    ]
    parsed = json.loads(runner.invoke(command.pinholes, [*options, "--json"]).output)
    assert parsed[0]["listener"] == "192.168.10.2:50000"
    assert "public=203.0.113.1:49153" in runner.invoke(command.bindings, options).output
    events = runner.invoke(command.events, options).output
    assert events.splitlines()[1].endswith('detail="\\u001b[2Jdpid\\u007f\\n"')
    assert "datapath_id=0000000000000a16" in runner.invoke(command.status, options).output
    bare = runner.invoke(command.sessions, options[:2])
    assert (bare.exit_code, bare.output.count("\n")) == (1, 1)
    assert "--token-file" in bare.output


def test_watching_changes(serve: Serve) -> None:
    port = serve("127.0.0.1")
    watcher = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from ryu_alg.rest.command import sessions; sessions()",
            *("--watch", "--url", f"http://127.0.0.1:{port}"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watcher.stdout is not None
        seen = [watcher.stdout.readline() for _ in range(2)]
        ask(port, "/v1.0/alg/config", "POST")
        seen += [watcher.stdout.readline() for _ in range(2)]
        assert [(line.split()[0], line.split()[4]) for line in seen] == [
            ("[NEW]", "id=1"),
            ("[NEW]", "id=2"),
            ("[NEW]", "id=3"),
            ("[DESTROY]", "id=1"),
        ]
    finally:
        watcher.kill()
        watcher.communicate()


def test_the_live_view_leaves_the_terminal_as_it_was(serve: Serve) -> None:
    port = serve("127.0.0.1")
    ours, theirs = pty.openpty()
    watcher = subprocess.Popen(
        [
            sys.executable,
            *("-c", "from ryu_alg.cli import main; main()", "sessions", "--watch"),
            *("--url", f"http://127.0.0.1:{port}"),
        ],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    try:
        while b"id=2" not in shown:
            shown += os.read(ours, 4096)
        ask(port, "/v1.0/alg/config", "POST")
        while b"id=3" not in shown:
            shown += os.read(ours, 4096)
        watcher.send_signal(signal.SIGINT)
        while b"\x1b[?25h" not in shown:  # the cursor is back
            shown += os.read(ours, 4096)
        assert watcher.wait(10) == 130
        assert b"Traceback" not in shown
    finally:
        watcher.kill()
        watcher.wait()
        os.close(ours)
