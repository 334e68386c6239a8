"""Long runs: `python -m tests.fuzz [--inputs N] [TARGET...]`; see `tests.fuzz.long`."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys

from tests.fuzz.targets import TARGETS

INPUTS = 10_000_000


def main() -> int:
    """Whether anything was found, as an exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--inputs", type=int, default=INPUTS, help="for each target")
    asked = parser.parse_args()
    if unknown := set(asked.targets) - TARGETS.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed: make fuzz does it")
    failed = [name for name in asked.targets or TARGETS if not _passes(name, asked.inputs)]
    for name in failed:
        print(f"{name}: something was found, see tests/fuzz/findings/{name}", file=sys.stderr)
    return bool(failed)


def _passes(name: str, inputs: int) -> bool:
    print(f"== {name}: {inputs} inputs", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "tests.fuzz.long", name, str(inputs)]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
