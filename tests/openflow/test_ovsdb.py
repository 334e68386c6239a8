"""The fail mode of a bridge, asked of a real database server and of a bad one."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ryu_alg.openflow.ovsdb import OvsdbError, fail_mode, local_database

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """An ovsdb-server without a switch, with two bridges."""
    subprocess.run(["ovsdb-tool", "create", tmp_path / "conf.db", SCHEMA], check=True)
    path = tmp_path / "db.sock"
    server = subprocess.Popen(
        [
            "ovsdb-server",
            tmp_path / "conf.db",
            f"--remote=punix:{path}",
            f"--unixctl={tmp_path}/ctl",
            f"--pidfile={tmp_path}/pid",
            "--detach",
        ],
    )
    assert server.wait() == 0
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
def test_an_unknown_bridge_is_an_error(database: Path) -> None:
    with pytest.raises(OvsdbError, match="no bridge has datapath id"):
        fail_mode(f"unix:{database}", f"{3:016x}")


def test_a_database_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OvsdbError, match="No such file"):
        fail_mode(f"unix:{tmp_path}/db.sock", f"{1:016x}")


@pytest.mark.parametrize("answer", [b"", b"{}", b"[1]", b'{"result": [{"rows": 3}]}', b"nonsense"])
def test_a_bad_answer_is_an_error(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(answer)
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OvsdbError):
            fail_mode(f"tcp:127.0.0.1:{listener.getsockname()[1]}", f"{1:016x}")
        thread.join()


def test_the_local_database_is_the_one_in_the_run_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVS_RUNDIR", str(tmp_path))
    assert local_database() is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "db.sock"))
        assert local_database() == f"unix:{tmp_path}/db.sock"
