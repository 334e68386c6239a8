"""Ranges of ports, and the masked matches that cover them.

An OpenFlow match on a port has a mask but no range, so a range costs as many flows as it has
blocks: aligned runs whose size is a power of two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PORT_MIN = 1024
"""The lowest public port that is ever handed out: those below belong to services."""
PORT_MAX = 65535


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """Ports `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def __contains__(self, port: int) -> bool:
        return self.first <= port <= self.last

    def __len__(self) -> int:
        return self.last - self.first + 1

    def overlaps(self, other: PortRange) -> bool:
        """Whether a port is in both."""
        return self.first <= other.last and other.first <= self.last

    def blocks(self) -> tuple[tuple[int, int], ...]:
        """The fewest (value, mask) matches that cover the range and nothing else."""
        found = []
        first = self.first
        while first <= self.last:
            size = first & -first or PORT_MAX + 1
            while first + size - 1 > self.last:
                size >>= 1
            found.append((first, PORT_MAX + 1 - size))
            first += size
        return tuple(found)


def nearest_range(wanted: PortRange, blocks: int, taken: Iterable[PortRange]) -> PortRange | None:
    """The range nearest to `wanted` that has at most `blocks` blocks and avoids `taken`.

    Nearest: the fewest ports added or left out. None when there is no such range.
    """
    taken = tuple(taken)
    sizes = [1 << bit for bit in range(17)]
    edges = {edge for size in sizes for edge in _multiples(wanted.first, size)}
    ends = {edge - 1 for size in sizes for edge in _multiples(wanted.last + 1, size)}
    fitting = [
        candidate
        for candidate in (
            PortRange(first, last)
            for first in edges
            for last in ends
            if PORT_MIN <= first <= last <= PORT_MAX
        )
        if len(candidate.blocks()) <= blocks and not any(map(candidate.overlaps, taken))
    ]
    return min(
        fitting,
        key=lambda fit: (abs(fit.first - wanted.first) + abs(fit.last - wanted.last), len(fit)),
        default=None,
    )


def _multiples(value: int, size: int) -> tuple[int, int]:
    """The multiples of `size` on both sides of `value`."""
    below = value - value % size
    return below, below if below == value else below + size
