"""The `lab` command where it needs neither root nor a lab."""

import pytest
from click.testing import CliRunner

from ryu_alg.lab.command import lab


@pytest.mark.parametrize("command", ["", "up", "down", "exec", "shell", "status"])
def test_help_has_an_example(command: str) -> None:
    result = CliRunner().invoke(lab, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"ryu-alg lab {command}".strip() in result.output.partition("Example:")[2]


@pytest.mark.parametrize("command", ["up", "down", "status", "exec client true", "shell client"])
def test_not_root(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    result = CliRunner().invoke(lab, command.split())
    assert result.exit_code == 1
    assert result.output == "Error: the lab needs root, for network namespaces: run it with sudo\n"


@pytest.mark.parametrize("name", ["", "A", "a-b", "../x", "1a", "a" * 32, "a b"])
def test_bad_name(name: str) -> None:
    result = CliRunner().invoke(lab, ["down", "--name", name])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: lab name {name!r}: ")


@pytest.mark.parametrize("command", ["exec", "exec client", "exec client --", "shell"])
def test_missing_argument(command: str) -> None:
    result = CliRunner().invoke(lab, command.split())
    assert result.exit_code == 2
    assert "Missing argument" in result.output
