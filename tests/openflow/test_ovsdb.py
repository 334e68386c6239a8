"""What is asked of a switch's database: a real server, and bad ones."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ryu_alg.doctor.openvswitch import OpenVSwitch
from ryu_alg.openflow.certificates import Certificates
from ryu_alg.openflow.ovsdb import (
    OvsdbError,
    fail_mode,
    local_database,
    members,
    mode,
    tables,
)
from tests.certificates import Authority

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")


class Server:
    """An ovsdb-server without a switch, with two bridges."""

    def __init__(self, directory: Path, path: Path, port: int) -> None:
        self.path, self.address = path, f"ssl:127.0.0.1:{port}"
        self._authority = Authority(directory / "databases", "databases")
        self.clients = Authority(directory / "clients", "clients")

    @property
    def options(self) -> list[str]:
        own, (kind, *where) = self._authority.sign("own"), self.address.split(":")
        files = [f"--private-key={own.key}", f"--certificate={own.certificate}"]
        files += [f"--ca-cert={self.clients.certificate}"]
        return [f"--remote=punix:{self.path}", f"--remote=p{kind}:{where[1]}:{where[0]}", *files]

    def certificates(self, clients: Authority | None = None) -> Certificates:
        """Of a client of the right authority, or of another."""
        identity = (clients or self.clients).sign("client")
        return Certificates(identity.certificate, identity.key, self._authority.certificate)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return Server(tmp_path, tmp_path / "db.sock", probe.getsockname()[1])


@pytest.fixture
def database(tmp_path: Path, server: Server) -> Iterator[Path]:
    """The server runs; its socket."""
    subprocess.run(["ovsdb-tool", "create", tmp_path / "conf.db", SCHEMA], check=True)
    path = server.path
    process = subprocess.Popen(
        [
            "ovsdb-server",
            tmp_path / "conf.db",
            *server.options,
            f"--unixctl={tmp_path}/ctl",
            f"--pidfile={tmp_path}/pid",
            "--detach",
        ],
    )
    assert process.wait() == 0
    pid = (tmp_path / "pid").read_text().strip()
    vsctl = ["ovs-vsctl", f"--db=unix:{path}", "--no-wait"]
    subprocess.run([*vsctl, "init"], check=True)
    for name, number in (("secured", 1), ("careless", 2)):
        subprocess.run([*vsctl, "add-br", name], check=True)
        subprocess.run([*vsctl, "set", "bridge", name, f'datapath_id="{number:016x}"'], check=True)
    subprocess.run([*vsctl, "set-fail-mode", "secured", "secure"], check=True)
    yield path
    subprocess.run(["kill", pid], check=True)


@pytest.mark.lab
def test_the_fail_mode_is_what_was_set_and_standalone_otherwise(database: Path) -> None:
    assert fail_mode(f"unix:{database}", f"{1:016x}") == "secure"
    assert fail_mode(f"unix:{database}", f"{2:016x}") == "standalone"


@pytest.mark.lab
def test_a_database_over_tls(server: Server, database: Path, tmp_path: Path) -> None:
    """Both sides show certificates, and neither goes on with somebody else's."""
    assert fail_mode(server.address, f"{1:016x}", server.certificates()) == "secure"
    assert fail_mode(server.address, f"{2:016x}", server.certificates()) == "standalone"
    with pytest.raises(OvsdbError):
        fail_mode(server.address, f"{1:016x}", server.certificates(Authority(tmp_path, "others")))
    ours = server.certificates()
    with pytest.raises(OvsdbError, match="certificate verify failed"):
        fail_mode(server.address, f"{1:016x}", replace(ours, ca=server.clients.certificate))
    with pytest.raises(OvsdbError, match=r"openflow\.tls"):
        fail_mode(server.address, f"{1:016x}")


@pytest.mark.lab
def test_doctor_asks_over_tls(server: Server, database: Path) -> None:
    switch = OpenVSwitch(server.address, server.certificates())
    assert switch.bridge(f"{1:016x}").fail_mode == "secure"


@pytest.mark.lab
def test_an_unknown_bridge_is_an_error(database: Path) -> None:
    with pytest.raises(OvsdbError, match="no bridge has datapath id"):
        fail_mode(f"unix:{database}", f"{3:016x}")


def test_a_database_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OvsdbError, match="No such file"):
        fail_mode(f"unix:{tmp_path}/db.sock", f"{1:016x}")


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that says this, whatever it is asked; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("answer", [b"", b"{}", b"[1]", b'{"result": [{"rows": 3}]}', b"nonsense"])
def test_a_bad_answer_is_an_error(answer: bytes) -> None:
    with answering(answer) as address, pytest.raises(OvsdbError):
        fail_mode(address, f"{1:016x}")


def test_a_switch_may_have_many_ports() -> None:
    """The answer comes in parts, of which none has all of it."""
    ports = [{"name": f"port{number}", "ofport": number} for number in range(10_000)]
    with answering(json.dumps({"id": 0, "result": [{"rows": ports}]}).encode()) as address:
        assert tables(address, {"Interface": ("name", "ofport")}) == {"Interface": ports}


def test_sets_are_lists() -> None:
    """RFC 7047 section 5.1: one alone stands for itself, and uuids are wrapped."""
    row = {
        "ports": ["set", [["uuid", "a"], ["uuid", "b"]]],
        "controller": ["uuid", "c"],
        "fail_mode": ["set", []],
    }
    answer = json.dumps({"id": 0, "result": [{"rows": [row]}]}).encode()
    with answering(answer) as address:
        (found,) = tables(address, {"Bridge": tuple(row)})["Bridge"]
    assert members(found["ports"]) == ["a", "b"]
    assert members(found["controller"]) == ["c"]
    assert mode(found) == "standalone"


def test_the_local_database_is_the_one_in_the_run_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVS_RUNDIR", str(tmp_path))
    assert local_database() is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "db.sock"))
        assert local_database() == f"unix:{tmp_path}/db.sock"
