"""What happens to lab tests on a machine that cannot run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LAB_TESTS = """
import pytest

@pytest.mark.lab
@pytest.mark.parametrize("mode", ["active", "passive"])
def test_download(mode):
    pass

def test_arithmetic():
    assert 1 + 1 == 2
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A test suite with our conftest.py, and no programs on the path."""
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text())
    (tmp_path / "test_suite.py").write_text(LAB_TESTS)
    shutil.copy(HERE.parent / "pyproject.toml", tmp_path)
    (tmp_path / "bin").mkdir()
    return tmp_path


def run(suite: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "testpaths=."],
        cwd=suite,
        env={"PATH": str(suite / "bin"), "HOME": os.environ.get("HOME", "/"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_they_are_skipped_by_name(suite: Path) -> None:
    result = run(suite)
    assert result.returncode == 0, result.stdout
    assert "end-to-end tests skipped: " in result.stdout
    assert "test_suite.py::test_download[active]\n" in result.stdout
    assert "test_suite.py::test_download[passive]\n" in result.stdout
    assert "1 passed, 2 skipped" in result.stdout


def test_they_fail_in_ci(suite: Path) -> None:
    result = run(suite, CI="true")
    assert result.returncode == 1, result.stdout
    assert "but CI has to run this" in result.stdout
    assert "1 passed, 2 errors" in result.stdout
