"""Says which tests this machine can run: those marked `lab` need root and Open vSwitch."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

LAB_COMMANDS = (
    *("ip", "ethtool", "tcpdump", "nft", "conntrack"),
    *("ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ovs-ofctl"),
    *("vsftpd", "curl", "lftp", "tnftp", "openssl"),
    *("kamailio", "sipp", "baresip", "tshark", "prosody"),
    *("in.tftpd", "atftp"),
    *("ngircd", "weechat-headless"),
    *("ffmpeg", "gst-launch-1.0"),
    *("opentracker", "aria2c"),
)
END_TO_END = Path(__file__).parent / "e2e"


@functools.cache
def lab_obstacle() -> str | None:
    """Why this machine cannot run the lab; None if it can."""
    if os.geteuid() != 0:
        return "the lab needs root"
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    missing = [name for name in LAB_COMMANDS if shutil.which(name, path=path) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    probe = ["unshare", "--net", "--mount", "ip", "link", "add", "name", "a", "type", "veth"]
    result = subprocess.run(probe, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        return f"no network namespaces here: {result.stderr.strip()}"
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--editor-examples",
        type=int,
        metavar="N",
        help="random conversations per property of the stream editor (default: 130)",
    )
    parser.addoption(
        "--sip-calls",
        type=int,
        default=1000,
        metavar="N",
        help="calls of the SIP lab's load, 50 a second (default: 1000)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # In the background of a script, as some CI runs tests: what tests start and interrupt
        # would ignore it as well.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if (examples := config.getoption("--editor-examples")) is not None:
        # The number is wanted when the tests are imported.
        os.environ["EDITOR_EXAMPLES"] = str(examples)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(END_TO_END):
            item.add_marker(pytest.mark.lab)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a lab test that cannot run here; in CI, where it has to, fail it."""
    if item.get_closest_marker("lab") is None:
        return
    obstacle = lab_obstacle()
    if obstacle is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{obstacle}, but CI has to run this", pytrace=False)
    pytest.skip(obstacle)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the lab tests that were skipped; pytest itself only counts them by file."""
    obstacle = lab_obstacle.cache_info().currsize and lab_obstacle()
    if not obstacle:
        return
    skipped = [report.nodeid for report in terminalreporter.stats.get("skipped", [])]
    if skipped:
        terminalreporter.section(f"end-to-end tests skipped: {obstacle}")
        for name in skipped:
            terminalreporter.line(name)
