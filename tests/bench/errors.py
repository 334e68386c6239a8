"""What goes wrong, said in one line."""

from pathlib import Path


class BenchError(Exception):
    """Something does not work; one line that says what, and what to do."""


def last_words(log: Path) -> str:
    """The end of a log file, as part of a sentence."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"its log ends with: {lines[-1]}" if lines else "its log is empty"
