"""One input again: `python -m tests.fuzz.again TARGET FILE`, or the input itself in hexadecimal."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    name, given = sys.argv[1:]
    TARGETS[name].run(Path(given).read_bytes() if Path(given).exists() else bytes.fromhex(given))
