"""`ryu-alg replay` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ryu_alg import cli
from ryu_alg.replay.capture import Capture
from tests.replay.test_ftp import active
from tests.replay.wire import lab, write


def run(*words: object) -> Result:
    return CliRunner().invoke(cli.main, ["replay", *map(str, words)], prog_name="ryu-alg")


def test_text(tmp_path: Path) -> None:
    capture = write(tmp_path / "in.pcap", active())
    result = run(capture, "--config", lab(tmp_path))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["0.000000", "#1", "session.opened"]
    at = next(number for number, line in enumerate(lines) if "rewrite" in line)
    assert lines[at + 1].strip() == "- PORT 192,168,10,2,15,161"
    assert lines[at + 2].strip().startswith("+ PORT 203,0,113,1,")
    assert "captured inside (guessed)" in result.stderr
    assert "data of sessions" in result.stderr


def test_json_and_a_capture(tmp_path: Path) -> None:
    capture, out = write(tmp_path / "in.pcap", active()), tmp_path / "out.pcap"
    result = run(capture, "--config", lab(tmp_path), "--json", "--at", "inside", "--write", out)
    assert result.exit_code == 0, result.output
    entries = [json.loads(line) for line in result.stdout.splitlines()]
    (rewrite,) = (entry for entry in entries if entry["code"] == "rewrite")
    assert rewrite["before"] == ["PORT 192,168,10,2,15,161"]
    assert (rewrite["session"], rewrite["protocol"]) == (1, "ftp")
    assert any(b"PORT 203,0,113,1" in captured.ip for captured in Capture(out))
    assert "guessed" not in result.stderr


def test_the_side_is_guessed_from_addresses(tmp_path: Path) -> None:
    packets = [captured.ip for captured in Capture(write(tmp_path / "in.pcap", active()))]
    outside = [packet[:12] + bytes((203, 0, 113, 1)) + packet[16:] for packet in packets[:1]]
    result = run(write(tmp_path / "outside.pcap", outside), "--config", lab(tmp_path))
    assert "captured outside (guessed)" in result.stderr


def test_what_is_no_capture_is_one_line_and_status_1(tmp_path: Path) -> None:
    config = lab(tmp_path)
    result = run(config, "--config", config)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {config}: neither pcap nor pcapng\n"
    result = run(tmp_path / "nowhere.pcap", "--config", config)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / 'nowhere.pcap'}: No such file or directory\n"


def test_a_bad_configuration_is_one_line_for_each_mistake(tmp_path: Path) -> None:
    capture, config = write(tmp_path / "in.pcap", []), lab(tmp_path)
    config.write_text(config.read_text().replace("gateway:", "gatewya:", 1))
    result = run(capture, "--config", config)
    assert result.exit_code == 1
    assert all(line.startswith(f"{config}:") for line in result.stderr.splitlines())


def test_a_capture_is_not_overwritten(tmp_path: Path) -> None:
    capture = write(tmp_path / "in.pcap", active())
    before = capture.read_bytes()
    result = run(capture, "--config", lab(tmp_path), "--write", capture)
    assert result.exit_code == 1
    assert capture.read_bytes() == before


def test_an_empty_capture(tmp_path: Path) -> None:
    result = run(write(tmp_path / "in.pcap", []), "--config", lab(tmp_path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "packets: none" in result.stderr


def test_a_capture_that_ends_too_early(tmp_path: Path) -> None:
    capture = write(tmp_path / "in.pcap", active())
    with capture.open("ab") as file:
        file.write(b"short")
    result = run(capture, "--config", lab(tmp_path))
    assert result.exit_code == 0
    assert "damaged" in result.stderr


@pytest.mark.parametrize("at", ["beside", ""])
def test_there_are_two_sides(tmp_path: Path, at: str) -> None:
    assert run(tmp_path / "in.pcap", "--config", tmp_path / "x", "--at", at).exit_code == 2
