"""The benchmarks that need no lab: programs of their own, which run after this one.

Each has the options `--quick`, `--json FILE` and `--update-docs`, as this one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.errors import BenchError

_ROOT = Path(__file__).parents[2]
PARTS = tuple(
    part
    for part in ("punts", "scale", "parsers")
    if Path(__file__).with_name(part).joinpath("__main__.py").exists()
)
"""Packages beside this module, in the order in which they run."""
_PATIENCE_SECONDS = 900.0


def run(part: str, results: Path, options: Sequence[str]) -> None:
    """Run one of them, which shows what it does and finds; JSON goes to the directory `results`.
    BenchError when it fails."""
    command = [sys.executable, "-m", f"tests.bench.{part}", *options]
    try:
        done = subprocess.run(
            [*command, "--json", str(results / f"{part}.json")],
            cwd=_ROOT,
            timeout=_PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{part}: no end after {error.timeout:.0f} s") from None
    if done.returncode:
        raise BenchError(f"{part}: exit status {done.returncode}")
