"""`ryu-alg protocols`, and what `check`, `run` and `schema` make of packages that are broken."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ryu_alg import __version__
from ryu_alg.gateway import Gateway
from ryu_alg.resources import resource
from ryu_alg.rest.read_model import Refused
from ryu_alg.settings import ConfigurationError
from tests.plugins.distribution import environment, make
from tests.test_cli import ryu_alg_command

LAB = resource("config", "lab.yaml")

GOPHER = """
    from pydantic import BaseModel, Field
    from ryu_alg.inspection import ProtocolSpec

    class Options(BaseModel):
        menus: bool = Field(default=True, description="Whether menus are\\n let through.")
        rooms: dict[str, int] = {"lobby": 1}
        owner: str

    def make(options, gateway):
        raise NotImplementedError

    PROTOCOL = ProtocolSpec("gopher", "Menus", (70,), Options, datagram=make)
"""
BROKEN = {
    "raises": ("raise RuntimeError('out of order')", "RuntimeError: out of order"),
    "leaves": ("raise SystemExit('goodbye')", "SystemExit: goodbye"),
    "typo": ("def def", "SyntaxError"),
    "empty": ("", "AttributeError"),
}
RAISING_OPTIONS = """
    from pydantic import BaseModel, model_validator
    from ryu_alg.inspection import ProtocolSpec

    class Options(BaseModel):
        @model_validator(mode="before")
        @classmethod
        def check(cls, data):
            raise ZeroDivisionError("no luck")

    PROTOCOL = ProtocolSpec("unlucky", "Bad luck", (70,), Options, stream=print)
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return ryu_alg_command(*words, env=environment(folder))


def listed(folder: Path, *words: str) -> dict[str, dict[str, Any]]:
    result = run(folder, "protocols", "--json", *words)
    assert result.returncode == 0, result.stderr
    return {item["name"]: item for item in json.loads(result.stdout)}


def configured(folder: Path, **protocols: Any) -> Path:
    """config/lab.yaml with these protocols besides FTP."""
    config = yaml.safe_load(LAB.read_text())
    config["protocols"] |= protocols
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def test_what_is_installed_is_listed_with_package_ports_and_options(tmp_path: Path) -> None:
    make(tmp_path, "gopher", GOPHER, version="2.5", module="burrow")
    found = listed(tmp_path)
    assert found["gopher"] == {
        "name": "gopher",
        "packages": ["burrow 2.5"],
        "transports": ["udp"],
        "ports": [70],
        "summary": "Menus",
        "options": [
            {
                "name": "menus",
                "default": True,
                "required": False,
                "meaning": "Whether menus are let through.",
            },
            {"name": "rooms", "default": {"lobby": 1}, "required": False, "meaning": ""},
            {"name": "owner", "default": None, "required": True, "meaning": ""},
        ],
        "error": None,
    }
    assert found["ftp"]["packages"] == [f"ryu-alg {__version__}"]
    assert (found["ftp"]["ports"], found["ftp"]["transports"]) == ([21], ["tcp"])


def test_with_a_configuration_it_says_what_is_on_and_where(tmp_path: Path) -> None:
    make(tmp_path, "gopher", GOPHER)
    config = configured(tmp_path, gopher={"ports": [70, 7070], "options": {"owner": "me"}})
    found = listed(tmp_path, str(config))
    assert found["gopher"]["on"] is True
    assert found["gopher"]["bound"]["ports"] == [70, 7070]
    assert "203.0.113.1:21" in found["ftp"]["bound"]["published"]
    assert (found["sip"]["on"], found["sip"]["bound"]) == (False, None)
    text = run(tmp_path, "protocols", str(config)).stdout.splitlines()
    (line,) = [line for line in text if line.startswith("gopher")]
    assert 'packages="gopher 1.0"' in line and "transports=udp" in line
    assert "on=yes" in line and "bound.ports=70,7070" in line
    below = text[text.index(line) + 1 :][:3]
    assert below == ["    menus=yes", '    rooms={"lobby": 1}', "    owner=(required)"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_package_is_listed_with_its_error_and_harms_no_other(
    name: str, tmp_path: Path
) -> None:
    source, error = BROKEN[name]
    make(tmp_path, name, source)
    found = listed(tmp_path)
    assert error in found[name]["error"]
    assert found[name]["packages"] == [f"{name} 1.0"]
    assert found["ftp"]["error"] is None
    assert error.split(":")[0] in run(tmp_path, "protocols").stdout
    assert run(tmp_path, "check", str(configured(tmp_path))).returncode == 0
    assert json.loads(run(tmp_path, "schema").stdout)["title"]


def line_of(config: Path, name: str) -> int:
    lines = config.read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.strip().startswith(f"{name}:"))


@pytest.mark.parametrize("command", ["check", "flows"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_configuration_that_wants_a_broken_package_says_where_and_why(
    name: str, command: str, tmp_path: Path
) -> None:
    source, error = BROKEN[name]
    make(tmp_path, name, source)
    config = configured(tmp_path, **{name: {}})
    result = run(tmp_path, command, str(config))
    assert result.returncode == 1
    (problem,) = result.stderr.splitlines()
    assert problem.startswith(f"{config}:{line_of(config, name)}: protocols.{name}: ")
    assert error in problem


@pytest.mark.parametrize("command", ["check", "flows", "protocols"])
def test_a_configuration_that_wants_a_missing_package_says_what_there_is(
    command: str, tmp_path: Path
) -> None:
    config = configured(tmp_path, whois={})
    result = run(tmp_path, command, str(config))
    assert result.returncode == 1
    (problem,) = result.stderr.splitlines()
    assert problem.startswith(f"{config}:{line_of(config, 'whois')}: protocols.whois: ")
    assert "no protocol of that name is installed" in problem and "ftp, irc," in problem


def test_a_gateway_starts_without_what_is_missing_and_says_so(tmp_path: Path) -> None:
    config = configured(tmp_path, archie={})
    text = config.read_text()
    service = '- {public: "203.0.113.1:1525", inside: "192.168.20.2:1525", protocol: archie}\n'
    config.write_text(text.replace("published:\n", "published:\n" + service, 1))
    assert service in config.read_text()
    gateway = Gateway(config)
    assert "archie" not in gateway.settings.protocols and "ftp" in gateway.settings.protocols
    published = [service.protocol for service in gateway.settings.published]
    assert "ftp" in published and "archie" not in published
    (event,) = gateway.events().views
    assert event.code == "protocol.unusable"
    assert "protocols.archie: no protocol of that name is installed" in event.detail
    # Applied again, it is refused like any configuration with a mistake: what runs stays.
    assert isinstance(gateway.reload(), Refused)


def test_another_mistake_keeps_a_gateway_from_starting(tmp_path: Path) -> None:
    config = configured(tmp_path, archie={}, ftp={"ports": [70000]})
    with pytest.raises(ConfigurationError) as caught:
        Gateway(config)
    assert {problem.key for problem in caught.value.problems} == {
        "protocols.archie",
        "protocols.ftp.ports[0]",
    }


def test_options_whose_model_fails(tmp_path: Path) -> None:
    make(tmp_path, "unlucky", RAISING_OPTIONS)
    config = configured(tmp_path, unlucky={})
    result = run(tmp_path, "check", str(config))
    assert result.returncode == 1
    (problem,) = result.stderr.splitlines()
    assert "protocols.unlucky" in problem and "ZeroDivisionError: no luck" in problem


def test_two_packages_with_one_protocol(tmp_path: Path) -> None:
    """Which one would it be? Neither, until one of them is gone."""
    make(tmp_path, "ftp", GOPHER, module="other_ftp")
    error = listed(tmp_path)["ftp"]["error"]
    assert f"ryu-alg {__version__}" in error and "other_ftp 1.0" in error
    result = run(tmp_path, "check", str(configured(tmp_path)))
    assert result.returncode == 1 and "other_ftp 1.0" in result.stderr
