"""`python -m tests.bench.sampler FILE ARGUMENT...`: `ryu-alg ARGUMENT...`, that can be looked at.

From SIGUSR1 on it notes, again and again after some processor time of its own, what is on its
stack; SIGUSR2 ends that, and writes it to FILE, as lines `outer;inner 17`. A profiler that is told
of every call would count its own work in; one that looks in from outside stops the process each
time, and finds it in system calls mostly.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from ryu_alg.cli import main

INTERVAL = 0.001
"""Seconds of processor time; the kernel's own clock is coarser."""


class Sampler:
    """Samples of this process, to be written to a file."""

    def __init__(self, path: Path) -> None:
        """Takes the signals over."""
        self._path = path
        self._samples: Counter[str] = Counter()
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)

    def _begin(self, *_: object) -> None:
        self._samples.clear()
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        functions = []
        while frame is not None:
            code = frame.f_code
            functions.append(f"{code.co_qualname} ({code.co_filename}:{code.co_firstlineno})")
            frame = frame.f_back
        self._samples[";".join(reversed(functions))] += 1

    def _end(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        text = "".join(f"{stack} {count}\n" for stack, count in self._samples.items())
        # Whoever waits for it finds all of it, or nothing.
        partial = self._path.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.rename(self._path)


if __name__ == "__main__":
    Sampler(Path(sys.argv[1]))
    main(sys.argv[2:], prog_name="ryu-alg")
