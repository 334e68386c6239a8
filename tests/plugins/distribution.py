"""Packages with a protocol, made on the spot, for an environment on top of the tests' own."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

GROUP = "ryu_alg.protocols"


def make(folder: Path, name: str, source: str, *, version: str = "1.0", module: str = "") -> None:
    """A distribution with one module and one protocol `name`, as pip leaves them in `folder`."""
    module = module or name
    (folder / f"{module}.py").write_text(dedent(source))
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata)
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {module}:PROTOCOL\n")


def environment(folder: Path) -> dict[str, str]:
    """This process's, with what is in `folder`."""
    return os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
