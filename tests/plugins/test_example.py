"""The example of a protocol of another package: its own tests, its types, and the page about it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "parcel"
PAGE = (ROOT / "docs" / "writing-a-protocol.md").read_text()
_QUOTED = re.compile(r"<!-- from (\S+) -->\n\n```\w+\n(.*?)```\n", re.DOTALL)
QUOTES = _QUOTED.findall(PAGE)


def in_example(tmp_path: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A tool in the example's folder, as its author would run it; nothing is left there."""
    environment = os.environ | {"PYTHONPATH": str(EXAMPLE), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=EXAMPLE,
        env=environment | {"MYPYPATH": str(EXAMPLE), "MYPY_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_its_own_tests(tmp_path: Path) -> None:
    done = in_example(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "tests")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_its_types(tmp_path: Path) -> None:
    done = in_example(tmp_path, "mypy", "--strict", "--config-file=", "ryu_alg_parcel", "tests")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("file", "quoted"), QUOTES, ids=[file for file, _ in QUOTES])
def test_what_the_page_quotes_is_what_the_example_has(file: str, quoted: str) -> None:
    assert quoted in (EXAMPLE / file).read_text()


def test_the_page_has_the_whole_of_a_working_plugin() -> None:
    quotes = {}
    for file, quoted in QUOTES:
        quotes.setdefault(file, quoted)
    for file in ("pyproject.toml", "ryu_alg_parcel/__init__.py", "ryu_alg_parcel/deliveries.py"):
        assert quotes[file] == (EXAMPLE / file).read_text()
    assert PAGE.count("```") == 2 * len(QUOTES), "every block of code is quoted"


def test_nothing_of_it_is_in_ryu_alg() -> None:
    for file in (ROOT / "ryu_alg").rglob("*.py"):
        assert "parcel" not in file.read_text().lower(), file
