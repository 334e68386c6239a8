"""No protocol is inspected unless the configuration binds it (RFC 4787 REQ-10, RFC 5382 REQ-6), and
whoever asks is told what is bound where."""

from __future__ import annotations

import json
import re
from pathlib import Path

import webob
from click.testing import CliRunner

from ryu_alg.assembly import pipeline_plan, protocol_specs
from ryu_alg.cli import main
from ryu_alg.gateway import Gateway
from ryu_alg.openflow.render import render
from ryu_alg.rest.api import Api
from ryu_alg.rest.auth import Guard
from ryu_alg.settings import parse
from tests.security.site import (
    CLIENT,
    CONFIGURATION,
    PORTS,
    SERVER,
    Site,
    at,
    configured,
)

HEAD = CONFIGURATION[: CONFIGURATION.index("published:")]
FTP_ALONE = HEAD + "protocols:\n  ftp: {servers: [198.51.100.0/24], ports: [21, 2121]}\n"
BOUND = {*PORTS.values(), 5061, 6881}


def flows(text: str) -> list[str]:
    settings = parse(text)
    plan = pipeline_plan(settings, protocol_specs(settings))
    return render(plan, {"lan": 1, "dmz": 2, "wan": 3})


def punted(text: str) -> set[tuple[str, int]]:
    """Transports and server ports that table 1 has flows for."""
    found = set()
    for flow in flows(text):
        if re.search(r"\btable=1\b", flow):
            for port in re.findall(r"\b(?:tp|tcp|udp)_(?:dst|src)=(\d+)(?![0-9x/])", flow):
                found.add(("udp" if "udp" in flow else "tcp", int(port)))
    return found


def test_without_protocols_nothing_is_inspected() -> None:
    """Neither is there a flow that punts, nor does the engine take what comes all the same."""
    assert not configured(HEAD).config.protocols
    assert not punted(HEAD)
    assert not [flow for flow in flows(HEAD) if "table=1" in flow and "controller:" in flow]
    with_ftp = [flow for flow in flows(FTP_ALONE) if "table=1" in flow and "controller:" in flow]
    assert with_ftp, "or this test would not notice"


def test_without_protocols_the_engine_takes_nothing() -> None:
    """As while the flows of an earlier configuration are still there."""
    site = Site(configured(HEAD))
    site.protocol = lambda name: 0  # type: ignore[method-assign]
    connection = site.connect("ftp")
    assert connection.server_side is None
    assert site.send(at(CLIENT, 5060), at(SERVER, 5060), b"OPTIONS", "sip") == []
    assert not site.engine.sessions and not site.engine.datagrams.sessions
    assert site.shut


def test_ftp_alone() -> None:
    """Of one prefix, on two ports, and nothing of any other protocol."""
    ports = {port for transport, port in punted(FTP_ALONE)}
    assert {21, 2121} <= ports
    assert not ports & (BOUND - {21})
    assert not any(transport == "udp" for transport, _ in punted(FTP_ALONE))
    site = Site(configured(FTP_ALONE))
    assert [each.name for each in site.engine.config.protocols] == ["ftp"]
    assert site.connect("ftp").server_side is not None
    elsewhere = site.connect("ftp", server="192.0.2.99", port=40001)
    assert elsewhere.server_side is None, "no server of that prefix"


def configuration(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    return path


def test_check_shows_it(tmp_path: Path) -> None:
    path = configuration(
        tmp_path, FTP_ALONE.replace("2121]", "2121], on_fault: opaque, options: {auth: allow}")
    )
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 0, result.output
    shown = result.output[result.output.index("inspected protocols") :]
    assert "ftp over TCP; a conversation whose inspector fails passes unread" in shown
    assert "from inside to ports 21, 2121 of 198.51.100.0/24" in shown
    assert "answers to lan, dmz: from outside to a public address, ports 49152-53247" in shown
    assert re.search(r"auth +allow", shown)
    assert "sip" not in shown


def test_check_shows_that_there_is_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check", str(configuration(tmp_path, HEAD))])
    assert "none: all traffic is ordinary" in result.output


def test_check_shows_every_protocol_and_what_is_published(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check", str(configuration(tmp_path, CONFIGURATION))])
    assert "sip over TCP and UDP" in result.output
    assert "tftp over UDP" in result.output
    assert "to the published 203.0.113.1:554, and answers from 192.168.20.2:554" in result.output


def asked(path: Path) -> list[dict[str, object]]:
    gateway = Gateway(path)
    request = webob.Request.blank("/v1.0/alg/protocols")
    answer = Api(gateway, Guard("127.0.0.1", None)).answer(request)
    assert answer.status_int == 200
    protocols: list[dict[str, object]] = json.loads(answer.body)["protocols"]
    return protocols


def test_rest_shows_it(tmp_path: Path) -> None:
    """Of a running gateway, whatever its protocols' options are."""
    ftp, *_ = shown = asked(configuration(tmp_path, CONFIGURATION))
    assert [each["name"] for each in shown] == list(PORTS)
    assert ftp == {
        "name": "ftp",
        "transports": ["tcp"],
        "from_inside": {
            "networks": ["lan", "dmz"],
            "servers": ["0.0.0.0/0", "::/0"],
            "ports": [21],
            "by_size": False,
        },
        "from_outside": [
            {"transport": "tcp", "public": "203.0.113.1:21", "inside": "192.168.20.2:21"}
        ],
        "on_fault": "drop",
        "policy": {},
    }


def test_rest_shows_policy(tmp_path: Path) -> None:
    said = CONFIGURATION.replace(
        "  ftp: {}\n", "  ftp: {options: {profile: read-only, fxp_hosts: 192.0.2.0/24}}\n"
    ).replace("bittorrent: {}", "bittorrent: {options: {hosts: 192.168.10.0/24}}")
    ftp, *_, bittorrent = asked(configuration(tmp_path, said))
    assert ftp["policy"] == {"profile": "read-only", "fxp_hosts": ["192.0.2.0/24"]}
    assert bittorrent["from_inside"]["by_size"] is True  # type: ignore[index]


def test_rest_shows_that_there_is_none(tmp_path: Path) -> None:
    assert asked(configuration(tmp_path, HEAD)) == []
