"""A lab as a drawing of text."""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.lab.topology import Topology

_CROSSING = {"┐": "┬", "┌": "┬", "┤": "┼", "├": "┼", "┘": "┴", "└": "┴", "─": "─", " ": " "}
"""What a corner becomes where the middle line meets it."""


def draw(topology: Topology) -> list[str]:
    """Lines: on the left the hosts of the gateway switch, on the right those beyond it.

    For a topology with one controlled bridge and one plain one behind it.
    """
    (gateway,) = (name for name, bridge in topology.bridges.items() if bridge.controller)
    near = {name: host for name, host in topology.hosts.items() if host.bridge == gateway}
    far = {name: host for name, host in topology.hosts.items() if host.bridge != gateway}
    (patch,) = topology.patches
    left = _table([(name, str(host.addresses[0].ip), host.port) for name, host in near.items()])
    right = _table([(name, str(host.addresses[0].ip)) for name, host in far.items()])
    if patch.from_ == gateway:
        port, beyond = patch.port, patch.to
    else:
        port, beyond = patch.peer, patch.from_
    middle = f"─ {gateway} ── {port} ── {beyond} ─"
    height = max(len(left), len(right))
    left_corners = _corners(len(left), height, ("┐", "┤", "┘"))
    right_corners = _corners(len(right), height, ("┌", "├", "└"))
    axis = (height - 1) // 2
    lines = []
    for row, (near_corner, far_corner) in enumerate(zip(left_corners, right_corners, strict=True)):
        line = f"{left[row]} ──" if row < len(left) else " " * (len(left[0]) + 3)
        if row == axis:
            line += _CROSSING[near_corner] + middle + _CROSSING[far_corner]
        else:
            line += near_corner + " " * len(middle) + far_corner
        lines.append((f"{line}─ {right[row]}" if row < len(right) else line).rstrip())
    return lines


def _corners(count: int, height: int, shapes: tuple[str, str, str]) -> list[str]:
    """What joins `count` lines to a vertical one, from top to bottom, and blanks below."""
    first, between, last = shapes
    if count == 1:
        return ["─", *" " * (height - 1)]
    return [first, *between * (count - 2), last, *" " * (height - count)]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
