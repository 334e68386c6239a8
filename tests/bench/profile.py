"""Where a gateway's controller spends its time under load: samples of its stack, by `sampler`."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.bench.errors import BenchError

ENTRIES = 25
_PATIENCE_SECONDS = 15.0
_ROOT = Path(__file__).parents[2]
_PACKAGES = ("eventlet", "greenlet", "ryu", "pydantic")
"""Installed ones that have lines of their own."""
_INSTALLED = re.compile(r".*/site-packages/|.*/python\d+\.\d+/")


def profiled(pid: int, samples: Path, load: Callable[[], object]) -> str:
    """The functions in which the process `pid` spends most of its time while `load` runs, as a
    table of `ENTRIES` lines; it was started by `sampler`, with this file. BenchError."""
    samples.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    load()
    os.kill(pid, signal.SIGUSR2)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not samples.exists():
        if time.monotonic() > deadline:
            raise BenchError("the controller does not say what it has done")
        time.sleep(0.01)
    return table(samples.read_text(encoding="utf-8"))


def table(samples: str) -> str:
    """Of lines as `outer (file);inner (file) 17`: which part of the samples each package, and each
    function, was the innermost of, and which part the function was on the stack in."""
    own: Counter[str] = Counter()
    on_stack: Counter[str] = Counter()
    packages: Counter[str] = Counter()
    for line in samples.splitlines():
        stack, _, number = line.rpartition(" ")
        functions = stack.split(";")
        own[functions[-1]] += int(number)
        packages[_package(_shortened(functions[-1]))] += int(number)
        for function in set(functions):
            on_stack[function] += int(number)
    whole = own.total()
    lines = [f"{whole:,} samples", "   own  package"]
    lines += [f"{count / whole:6.1%}  {name}" for name, count in packages.most_common(ENTRIES)]
    lines.append("   own  total  function")
    for function, count in own.most_common(ENTRIES):
        total = on_stack[function] / whole
        lines.append(f"{count / whole:6.1%} {total:6.1%}  {_shortened(function)}")
    return "\n".join(lines)


def _package(function: str) -> str:
    """Where it belongs; of this project a package of its own."""
    path, _, _ = function.partition(":")
    names = path.split("/")
    if names[0] == "ryu_alg":
        return "/".join(names[:3] if names[1] == "protocols" else names[:2])
    return names[0] if names[0] in _PACKAGES else "Python's own library"


def _shortened(function: str) -> str:
    """Its file relative to this project, or to where modules are installed."""
    name, _, path = function.removesuffix(")").partition(" (")
    path = path.removeprefix(f"{_ROOT}/")
    return f"{_INSTALLED.sub('', path)}: {name}"
