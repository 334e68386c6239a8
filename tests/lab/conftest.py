"""A lab that several tests look at, and the command as users run it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from ryu_alg.lab import Lab

CommandRunner = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def name() -> str:
    """A lab name of this test process's own."""
    return f"t{os.getpid()}"


@pytest.fixture(scope="module")
def shared(name: str) -> Iterator[Lab]:
    """A lab that tests may use but not change."""
    with Lab.up("nat", name) as lab:
        yield lab


@pytest.fixture(scope="session")
def ryu_alg_lab() -> CommandRunner:
    """`ryu-alg lab ...` in a process of its own."""

    def run(*arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-c", "from ryu_alg.lab.command import lab; lab()", *arguments]
        return subprocess.run(
            argv, **{"capture_output": True, "text": True, "timeout": 60} | options
        )

    return run
