"""The import rules of docs/architecture.md, as import-linter contracts in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMPORT_NAMES = {"prometheus-client": "prometheus_client", "pyyaml": "yaml"}


def test_the_import_rules_are_kept() -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert " kept, 0 broken." in result.stdout


@pytest.mark.parametrize("place", ["ryu_alg.inspection", "ryu_alg.packets", "ryu_alg.engine"])
def test_what_has_the_standard_library_only_is_forbidden_every_dependency(place: str) -> None:
    dependencies = [
        re.split(r"[<>=~!\[ ]", requirement)[0]
        for requirement in PROJECT["project"]["dependencies"]
    ]
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    forbidden = {
        name
        for contract in contracts
        if contract["type"] == "forbidden" and place in contract["source_modules"]
        for name in contract["forbidden_modules"]
    }
    assert {IMPORT_NAMES.get(name, name) for name in dependencies} <= forbidden
