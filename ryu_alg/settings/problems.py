"""What is wrong with a configuration: every problem says where it is and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""From the root of the document to a value: mapping keys and list positions."""


def dotted(path: KeyPath) -> str:
    """`("realms", "inside", 0, "nat")` as people write it: `realms.inside[0].nat`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with the value at `path`, before its line is looked up."""

    path: KeyPath
    wrong: str
    right: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration file."""

    file: str
    line: int
    """Counted from 1; 0 when the file could not be read at all."""
    key: str
    """Dotted path of the offending key; empty for the document as a whole."""
    wrong: str
    right: str
    """What would be right instead; may be empty."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        right = f"; {self.right}" if self.right else ""
        return f"{where}:{key} {self.wrong}{right}"


class ConfigurationError(Exception):
    """A configuration that cannot be used. Nothing of it was applied."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
