"""Who may connect as the switch, and to what: a real controller, and switches of the tests' own.

One controller is started as `ryu-alg run`, the other as a plain `ryu-manager`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from ryu_alg.openflow.certificates import Certificates, TransportError
from tests.certificates import Authority, Identity

LAB = Path(__file__).parents[2] / "config" / "lab.yaml"
DATAPATH_ID = 1
PATIENCE = 20.0
PER_HOST = 8

HELLO, ECHO_REQUEST, ECHO_REPLY, FEATURES_REQUEST, FEATURES_REPLY = 0, 2, 3, 5, 6
PACKET_IN, MULTIPART_REQUEST, MULTIPART_REPLY = 10, 18, 19

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Controller:
    """A process of the controller."""

    def __init__(self, directory: Path, plain: bool, **sections: Any) -> None:
        """`plain`: a `ryu-manager`, and nothing of ours before it."""
        self.port, self.rest_port = free_port(), free_port()
        config = yaml.safe_load(LAB.read_text())
        config["gateway"].update(sections.pop("gateway", {}))
        config["openflow"] = {"port": self.port, **sections.pop("openflow", {})}
        config["rest"] = {"port": self.rest_port}
        file = directory / "gateway.yaml"
        file.write_text(yaml.safe_dump(config))
        bin_ = Path(sys.executable).parent
        command = (
            [bin_ / "ryu-manager", "ryu_alg.app"] if plain else [bin_ / "ryu-alg", "run", file]
        )
        self._log = (directory / "log").open("w+")
        self.process = subprocess.Popen(
            command,
            # An Open vSwitch of the machine's own must not have a say in this.
            env={**os.environ, "RYU_ALG_CONFIG": str(file), "OVS_RUNDIR": str(directory)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._seen = 0
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.process.kill()
            raise

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while {self.port, self.rest_port} - {port for _, port in self.listening()}:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def listening(self) -> set[tuple[str, int]]:
        """The addresses and TCP ports that it listens on."""
        directory = Path(f"/proc/{self.process.pid}")
        own = set()
        for file in (directory / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(file)):
                    own.add(match[1])
        found = set()
        for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
            for line in (directory / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                address, _, port = fields[1].partition(":")
                if fields[3] == "0A" and fields[9] in own:
                    words = struct.unpack(f"<{len(address) // 8}I", bytes.fromhex(address))
                    packed = struct.pack(f">{len(words)}I", *words)
                    found.add((socket.inet_ntop(family, packed), int(port, 16)))
        return found

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def events(self) -> list[dict[str, Any]]:
        """All that there were since the last `forget`."""
        url = f"http://127.0.0.1:{self.rest_port}/v1.0/alg/events?after={self._seen}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return list(json.load(answer)["events"])

    def forget(self) -> None:
        """Whatever has happened."""
        while events := self.events():
            self._seen = events[-1]["id"]

    def codes(self) -> list[str]:
        return [event["code"] for event in self.events()]

    def event(self, code: str) -> str:
        """The detail of the first event with that code; waits for it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for event in self.events():
                if event["code"] == code:
                    return str(event["detail"])
            assert time.monotonic() < deadline, (code, self.events())
            time.sleep(0.05)

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        assert "Traceback" not in self.log(), self.log()
        self._log.close()


class FakeSwitch:
    """Says that it is a switch without ports, and answers when it is asked."""

    def __init__(
        self,
        controller: Controller,
        datapath_id: int = DATAPATH_ID,
        context: ssl.SSLContext | None = None,
        answers: bool = True,
    ) -> None:
        """`answers`: to echo requests, too."""
        self._id, self._answers = datapath_id, answers
        self.echo_replies = 0
        connection = socket.create_connection(("127.0.0.1", controller.port), timeout=PATIENCE)
        self._connection = context.wrap_socket(connection) if context else connection
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._connection.sendall(_message(HELLO, 1))
            while message := self._receive():
                kind, xid, body = message
                if kind == FEATURES_REQUEST:
                    features = struct.pack("!QIBB2xII", self._id, 0, 1, 0, 0, 0)
                    self._connection.sendall(_message(FEATURES_REPLY, xid, features))
                elif kind == MULTIPART_REQUEST:
                    self._connection.sendall(_message(MULTIPART_REPLY, xid, body[:2] + bytes(6)))
                elif kind == ECHO_REPLY:
                    self.echo_replies += 1
                elif kind == ECHO_REQUEST and self._answers:
                    self._connection.sendall(_message(ECHO_REPLY, xid, body))
        except OSError:
            return

    def _receive(self) -> tuple[int, int, bytes] | None:
        head = self._read(8)
        if len(head) < 8:
            return None
        _, kind, length, xid = struct.unpack("!BBHI", head)
        return kind, xid, self._read(length - 8)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (part := self._connection.recv(size - len(data))):
            data += part
        return data

    def flood(self, over: threading.Event) -> None:
        """Send packet-ins, of our flows and of others, and ask for echoes in between."""
        packet_ins = b"".join(
            _message(PACKET_IN, 0, struct.pack("!IHBBQHHHBBI4x2x", *fields) + bytes(60))
            for cookie in (0xA16002 << 40, 5)
            for fields in [(0xFFFFFFFF, 60, 1, 0, cookie, 1, 12, 0x8000, 0, 4, 3)]
        )
        while not over.is_set():
            self._connection.sendall(50 * packet_ins + _message(ECHO_REQUEST, 7))

    def wait_for_echo_replies(self, number: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.echo_replies < number:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    @property
    def connected(self) -> bool:
        return self._thread.is_alive()

    def wait_for_the_end(self) -> None:
        """That the controller ends it."""
        self._thread.join(PATIENCE)
        assert not self.connected

    def close(self) -> None:
        with suppress(OSError):  # the controller was first
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._connection.close()


def _message(kind: int, xid: int, body: bytes = b"") -> bytes:
    return struct.pack("!BBHI", 4, kind, 8 + len(body), xid) + body


# --- Plain TCP ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """Of a `ryu-manager`; it believes that switches fail secure."""
    directory = tmp_path_factory.mktemp("plain")
    controller = Controller(directory, plain=True, gateway={"fail_mode": "trusted"})
    yield controller
    controller.end()


def first(plain: Controller, answers: bool = True) -> FakeSwitch:
    """A switch that is connected."""
    plain.forget()
    switch = FakeSwitch(plain, answers=answers)
    plain.event("switch.connected")
    return switch


def gone(plain: Controller, switch: FakeSwitch) -> None:
    plain.forget()
    switch.close()
    plain.event("switch.disconnected")


def test_a_plain_port_is_open_to_this_machine_only(plain: Controller) -> None:
    assert plain.listening() == {("127.0.0.1", plain.port), ("127.0.0.1", plain.rest_port)}


def test_another_switch_is_not_served(plain: Controller) -> None:
    plain.forget()
    with closing(FakeSwitch(plain, datapath_id=2)) as switch:
        assert plain.event("switch.unknown").startswith("0000000000000002")
        switch.wait_for_the_end()
    assert "switch.connected" not in plain.codes()


def test_an_impostor_does_not_take_over(plain: Controller) -> None:
    """Not once, and not by trying again."""
    switch = first(plain)
    for _ in range(2):
        with closing(FakeSwitch(plain)) as impostor:
            impostor.wait_for_the_end()
        assert plain.event("switch.impostor").startswith("127.0.0.1")
        assert switch.connected
        assert {"switch.disconnected", "switch.silent"}.isdisjoint(plain.codes())
        assert plain.codes().count("switch.connected") == 1
    gone(plain, switch)


def test_a_switch_that_was_cut_off_comes_back(plain: Controller) -> None:
    """Its old connection is open still, and silent."""
    switch = first(plain, answers=False)
    plain.forget()
    again = FakeSwitch(plain)
    plain.event("switch.connected")
    switch.wait_for_the_end()
    told = [code for code in plain.codes() if code.startswith("switch.")]
    assert told[:3] == ["switch.silent", "switch.disconnected", "switch.connected"]
    switch.close()
    gone(plain, again)


def test_a_switch_that_reconnects_before_its_end_is_noticed(plain: Controller) -> None:
    switch = first(plain, answers=False)
    again = FakeSwitch(plain)
    plain.forget()
    switch.close()
    plain.event("switch.connected")
    assert {"switch.silent", "switch.impostor"}.isdisjoint(plain.codes())
    gone(plain, again)


def test_who_says_nothing_is_sent_away(plain: Controller) -> None:
    """And has no more than some connections meanwhile, so that memory is bounded."""
    plain.forget()
    silent = [
        socket.create_connection(("127.0.0.1", plain.port), timeout=PATIENCE)
        for _ in range(PER_HOST + 1)
    ]
    try:
        plain.event("switch.too_many")
        for connection in silent:
            while connection.recv(100):
                pass
    finally:
        for connection in silent:
            connection.close()
    gone(plain, first(plain))


def test_others_are_served_while_a_switch_sends_without_end(plain: Controller) -> None:
    """REST answers, another switch is heard, and the switch's own echo requests are answered."""
    switch = first(plain)
    plain.forget()
    over = threading.Event()
    flood = threading.Thread(target=switch.flood, args=(over,))
    flood.start()
    try:
        for _ in range(3):
            with closing(FakeSwitch(plain, datapath_id=2)) as other:
                other.wait_for_the_end()
            plain.event("switch.unknown")
            switch.wait_for_echo_replies(switch.echo_replies + 1)
            plain.forget()
    finally:
        over.set()
        flood.join(PATIENCE)
    assert switch.connected
    assert not flood.is_alive()
    gone(plain, switch)


def test_what_is_not_openflow_is_sent_away(plain: Controller) -> None:
    """In one line, and others are served as ever."""
    switch = first(plain)
    plain.forget()
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(100), _message(HELLO, 1)[:2] + bytes(6)):
        with socket.create_connection(("127.0.0.1", plain.port), timeout=PATIENCE) as stranger:
            stranger.sendall(garbage)
            with suppress(ConnectionResetError):
                while stranger.recv(100):
                    pass
    assert plain.event("switch.garbage") == "127.0.0.1: a message of version 71"
    assert switch.connected
    gone(plain, switch)


# --- TLS ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def controllers(files: Path) -> Authority:
    return Authority(files, "controllers")


@pytest.fixture(scope="module")
def switches(files: Path) -> Authority:
    return Authority(files, "switches")


@pytest.fixture(scope="module")
def tls(files: Path, controllers: Authority, switches: Authority) -> Iterator[Controller]:
    """Of `ryu-alg run`; it knows no database of a switch."""
    own = controllers.sign("controller")
    section = {"certificate": own.certificate, "private_key": own.key, "ca": switches.certificate}
    openflow = {"tls": {name: str(file) for name, file in section.items()}}
    controller = Controller(files, plain=False, openflow=openflow)
    yield controller
    controller.end()


def context(controllers: Authority, identity: Identity | None) -> ssl.SSLContext:
    """Of a switch; `identity` is its own."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False  # as Open vSwitch
    made.load_verify_locations(controllers.certificate)
    if identity is not None:
        made.load_cert_chain(identity.certificate, identity.key)
    return made


def hello(tls: Controller, made: ssl.SSLContext) -> bytes:
    """What the controller says first; OSError if it does not want this one."""
    connection = socket.create_connection(("127.0.0.1", tls.port), timeout=PATIENCE)
    with made.wrap_socket(connection) as secured:
        return secured.recv(8)


def refused(tls: Controller, made: ssl.SSLContext, alert: str, told: str) -> None:
    """The controller refuses a switch, and says so to both it and us."""
    tls.forget()
    deadline = time.monotonic() + PATIENCE
    while not any(told in event["detail"] for event in tls.events()):
        assert time.monotonic() < deadline, tls.events()
        with pytest.raises(OSError, match=alert):
            hello(tls, made)
        time.sleep(0.2)  # one refusal is told a second
    assert {"switch.tls_refused"} == set(tls.codes())


def test_with_certificates_no_plain_port_is_open(tls: Controller) -> None:
    assert tls.listening() == {("127.0.0.1", tls.port), ("127.0.0.1", tls.rest_port)}
    tls.forget()
    with socket.create_connection(("127.0.0.1", tls.port), timeout=PATIENCE) as connection:
        connection.sendall(_message(HELLO, 1))
        answer = b""
        with suppress(ConnectionResetError):
            answer = connection.recv(8)  # an alert of TLS perhaps, and nothing of OpenFlow
        assert answer[:2] != bytes((4, HELLO))


def test_each_connection_of_the_right_switch_is_taken(
    tls: Controller, controllers: Authority, switches: Authority
) -> None:
    made = context(controllers, switches.sign("switch"))
    for _ in range(3):
        assert hello(tls, made)[:2] == bytes((4, HELLO))


def test_a_switch_without_a_certificate_is_refused(tls: Controller, controllers: Authority) -> None:
    made = context(controllers, None)
    refused(tls, made, "certificate required", "peer did not return a certificate")


def test_a_certificate_of_somebody_else_is_refused(
    tls: Controller, files: Path, controllers: Authority
) -> None:
    """Of another authority that has the same name."""
    other = Authority(files / "other", "switches").sign("switch")
    made = context(controllers, other)
    refused(tls, made, "unknown ca|decrypt error|bad certificate", "certificate is not accepted")


def test_an_expired_certificate_is_refused(
    tls: Controller, controllers: Authority, switches: Authority
) -> None:
    made = context(controllers, switches.sign("old", days=-1))
    refused(tls, made, "expired", "certificate has expired")


def test_old_versions_of_tls_are_refused(
    tls: Controller, controllers: Authority, switches: Authority
) -> None:
    made = context(controllers, switches.sign("switch"))
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        made.minimum_version, made.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    made.set_ciphers("ALL:@SECLEVEL=0")
    refused(tls, made, "protocol version", "unsupported protocol")


def test_tls_that_breaks_ends_the_connection(
    tls: Controller, controllers: Authority, switches: Authority
) -> None:
    made = context(controllers, switches.sign("switch"))
    connection = socket.create_connection(("127.0.0.1", tls.port), timeout=PATIENCE)
    secured = made.wrap_socket(connection)
    assert secured.recv(8)
    with socket.socket(fileno=secured.detach()) as raw:
        raw.settimeout(PATIENCE)
        raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        while raw.recv(1000):
            pass


def test_a_switch_whose_fail_mode_nobody_knows_is_not_served(
    tls: Controller, controllers: Authority, switches: Authority
) -> None:
    tls.forget()
    switch = FakeSwitch(tls, context=context(controllers, switches.sign("switch")))
    with closing(switch):
        switch.wait_for_the_end()
    told = tls.event("switch.fail_mode_unverified")
    assert "gateway.ovsdb" in told and "gateway.fail_mode: trusted" in told
    assert "switch.connected" not in tls.codes()


# --- Files ----------------------------------------------------------------------------------


def test_files_that_do_not_do(tmp_path: Path, controllers: Authority, switches: Authority) -> None:
    """A line each, and no question for a passphrase."""
    own, other = controllers.sign("own"), controllers.sign("other")
    ca = switches.certificate
    Certificates(own.certificate, own.key, ca).context()
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-aes128", "-passout", "pass:secret", "-in", own.key, "-out", locked],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    nowhere = tmp_path / "nowhere"
    for wrong in (
        Certificates(nowhere, own.key, ca),
        Certificates(own.certificate, other.key, ca),
        Certificates(own.certificate, locked, ca),
        Certificates(own.certificate, own.key, nowhere),
        Certificates(own.certificate, own.key, own.key),
    ):
        with pytest.raises(TransportError) as raised:
            wrong.context()
        assert "\n" not in str(raised.value)


def test_a_plain_port_beside_tls_is_refused(tmp_path: Path, files: Path, tls: Controller) -> None:
    config = yaml.safe_load((files / "gateway.yaml").read_text())
    config["rest"] = {"port": free_port()}
    file = tmp_path / "gateway.yaml"
    file.write_text(yaml.safe_dump(config))
    ryu_alg = Path(sys.executable).with_name("ryu-alg")
    done = subprocess.run(
        [ryu_alg, "run", file, f"--ofp-tcp-listen-port={free_port()}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: --ofp-tcp-listen-port: ")
    assert "Traceback" not in done.stderr
