"""What becomes of a description that passes the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Admit, Report, Unbind

MediaEffect = Admit | Unbind | Report


@dataclass(frozen=True, slots=True)
class Rewritten:
    """It passes."""

    body: bytes
    """As it leaves; the same object as it came if nothing had to be changed."""
    effects: tuple[MediaEffect, ...] = ()
    """To be returned with the message: it leaves when these are carried out."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not pass, and everything is as if it had never come."""

    code: str
    """Stable, for a Report: `sip.media.foreign_address`."""
    detail: str
    """Fit to be shown."""
    effects: tuple[MediaEffect, ...] = ()
    """Undo what was begun; to be returned all the same."""


class RefusalError(Exception):
    """Reading or rewriting ends; never leaves this package."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
