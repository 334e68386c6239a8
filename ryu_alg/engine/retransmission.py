"""The retransmission timer for bytes whose delivery the editor owns (RFC 6298)."""

from __future__ import annotations

from dataclasses import dataclass

INITIAL_TIMEOUT = 1.0
"""Seconds (RFC 6298 section 2.1)."""
MIN_TIMEOUT = 0.2
"""Seconds; below RFC 6298's 1 s, as Linux has it: the bytes were held up once already."""
MAX_TIMEOUT = 60.0
"""Seconds (RFC 6298 section 2.4)."""
MAX_ATTEMPTS = 9
"""Retransmissions without an acknowledgement until the receiver counts as gone."""


@dataclass(slots=True)
class RetransmissionTimer:
    """Deadline, backoff and round-trip estimate of one direction. Times in seconds."""

    timeout: float = INITIAL_TIMEOUT
    deadline: float | None = None
    attempts: int = 0
    smoothed: float | None = None
    variation: float = 0.0
    timed: tuple[int, float] | None = None
    """The running measurement: the output offset whose acknowledgement ends it, and since when."""

    def sent(self, end_offset: int, now: float) -> None:
        """Bytes up to `end_offset` have left for the first time."""
        if self.timed is None:
            self.timed = end_offset, now

    def acknowledged(self, offset: int, now: float) -> None:
        """The receiver has acknowledged new bytes, up to `offset`."""
        if self.timed is not None and offset >= self.timed[0]:
            self._measure(now - self.timed[1])
            self.timed = None
        self.attempts = 0
        self.deadline = None

    def arm(self, now: float) -> None:
        """Start the timer unless it runs."""
        if self.deadline is None:
            self.deadline = now + self.timeout

    def stop(self) -> None:
        """Nothing is left to deliver."""
        self.deadline = None
        self.attempts = 0

    def expired(self, now: float) -> None:
        """A retransmission leaves: back off, and by Karn's rule measure nothing by it."""
        self.timed = None
        self.attempts += 1
        self.timeout = min(self.timeout * 2, MAX_TIMEOUT)
        self.deadline = now + self.timeout

    def _measure(self, sample: float) -> None:
        if self.smoothed is None:
            self.smoothed = sample
            self.variation = sample / 2
        else:
            self.variation += (abs(self.smoothed - sample) - self.variation) / 4
            self.smoothed += (sample - self.smoothed) / 8
        self.timeout = min(max(self.smoothed + 4 * self.variation, MIN_TIMEOUT), MAX_TIMEOUT)
