"""What the demonstration looks like: colours and a bar on a terminal, else plain lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from ryu_alg.inspection import Direction
from ryu_alg.lab.demo.dialogue import ControlLine
from ryu_alg.rest.client import Item

_CAME = {Direction.TO_SERVER: "→", Direction.TO_CLIENT: "←"}
_LEFT = {Direction.TO_SERVER: "⇒", Direction.TO_CLIENT: "⇐"}
_EVENTS = {
    "session.opened": "session opened",
    "session.ended": "session ended",
    "pinhole.opened": "pinhole opened",
    "pinhole.used": "pinhole used once, closed",
    "pinhole.closed": "pinhole closed",
}
_QUARTER = 25
"""Percent between two lines of progress where there is no bar."""


class Screen:
    """Writes to standard output."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def heading(self, text: str) -> None:
        """What comes next."""
        self._print(Text(f"\n{text}", "bold"))

    def line(self, text: str = "", style: str = "") -> None:
        """A line of prose, a command or a picture."""
        self._print(Text(text, style))

    def control_line(self, seconds: float, line: ControlLine) -> None:
        """A control line; rewritten, it is two: as it came, and as it left."""
        stamp = f"{seconds:8.3f}  "
        if not line.rewritten:
            self._print(Text(f"{stamp}{_CAME[line.direction]} {line.before}"))
            return
        self._print(Text(f"{stamp}{_CAME[line.direction]} {line.before}", "yellow"))
        blank = " " * len(stamp)
        self._print(Text(f"{blank}{_LEFT[line.direction]} {line.after}", "bold green"))

    def event(self, seconds: float, event: Item) -> None:
        """Something that the gateway did."""
        what = _EVENTS.get(event["code"], event["code"])
        self._print(Text(f"{seconds:8.3f}  * {what}: {event['detail']}", "cyan"))

    @contextmanager
    def progress(self, size: int) -> Iterator[Meter]:
        """Shows how far a download of `size` bytes is."""
        if not self._console.is_terminal:
            yield Meter(self, size, None)
            return
        columns = (TextColumn("          "), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._console, transient=True) as bar:
            bar.add_task("", total=size)
            yield Meter(self, size, bar)

    def _print(self, text: Text) -> None:
        self._console.print(text)


class Meter:
    """How far one download is."""

    def __init__(self, screen: Screen, size: int, bar: Progress | None) -> None:
        self._screen = screen
        self._size = size
        self._bar = bar
        self._began = time.monotonic()
        self._shown = 0

    def set(self, received: int) -> None:
        """So many bytes are there."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=received)
            return
        percent = 100 * received // self._size
        if percent // _QUARTER > self._shown // _QUARTER:
            self._shown = percent
            seconds = time.monotonic() - self._began
            self._screen.line(f"          {percent:3} %  {received:,} bytes after {seconds:.1f} s")
