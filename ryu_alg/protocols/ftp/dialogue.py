"""What is remembered of one FTP session: plain data that can be saved and restored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

from ryu_alg.inspection import Abort, Close, Opaque, Report
from ryu_alg.protocols.ftp.decisions import Decisions
from ryu_alg.protocols.ftp.verbs import Role

_HOLDING = frozenset(
    {
        Role.ACTIVE,
        Role.PASSIVE,
        Role.EXTENDED_PASSIVE,
        Role.EXTENDED_ONLY,
        Role.SECURITY,
        Role.USER,
        Role.REINITIALIZE,
    }
)
"""What follows is held until these are answered: the answer decides how it is taken."""
_ANNOUNCING = frozenset({Role.PASSIVE, Role.EXTENDED_PASSIVE})
_USER_CHANGES = frozenset({Role.USER, Role.REINITIALIZE})
_SECURING = frozenset({Role.SECURITY})

_PIPELINED = 8
_PIPELINED_IN_TRANSFER = 256
"""Many servers answer nothing while they transfer, and many clients send NOOP meanwhile."""


class Phase(Enum):
    """How far inspection goes."""

    OPEN = "open"
    OPAQUE = "opaque"
    ABORTED = "aborted"


@dataclass(slots=True)
class Pending:
    """A command that awaits its final reply."""

    role: Role
    shown: str
    expectation: int | None = None
    """What PORT or EPRT armed."""
    user: str | None = None
    """The argument of USER."""
    answer: bytes = b""
    """The gateway's own reply, for a command that never reached the server."""
    transferring: bool = False
    """A preliminary reply has come."""

    def asks(self, roles: Collection[Role]) -> bool:
        """Whether the server was asked for one of these."""
        return self.role in roles and not self.answer


@dataclass(slots=True)
class Dialogue:
    """The state of one session."""

    phase: Phase = Phase.OPEN
    spoken: bool = False
    """The client's first line has been taken for FTP."""
    pending: list[Pending] = field(default_factory=lambda: [Pending(Role.GREETING, "")])
    """In the order of the commands, which is the order of the replies (RFC 959 section 5.4). There
    are few: a deque would take ten times the memory, and each session has one."""
    inner: int | None = None
    """Code of the multi-line reply that is under way."""
    unasked: bool = False
    """That reply began when no command awaited one."""
    swallowing: bool = False
    """Within a command line that is too long."""
    announced: int | None = None
    """The expectation that the next transfer uses."""
    extended_only: bool = False
    """EPSV ALL was accepted (RFC 2428 section 4)."""
    user: str | None = None
    """As given in the last USER that the server did not reject."""

    @property
    def head(self) -> Pending | None:
        """Whose reply comes next."""
        return self.pending[0] if self.pending else None

    @property
    def holding(self) -> bool:
        """Whether the client's next command has to wait."""
        if not self.pending:
            return False
        last = self.pending[-1]
        if last.asks(_HOLDING):
            return True
        transferring = self.pending[0].transferring
        limit = _PIPELINED_IN_TRANSFER if transferring else _PIPELINED
        return len(self.pending) >= limit

    @property
    def holding_for_good(self) -> bool:
        """Whether the next command of a client that has ended its direction is dropped.

        Nobody would wait for it then; but behind AUTH there may be anything.
        """
        if not self.pending:
            return False
        return self.pending[-1].asks(_SECURING) or len(self.pending) >= _PIPELINED_IN_TRANSFER

    @property
    def settled(self) -> bool:
        """Whether the server has answered all that it was asked.

        An ABOR is not waited for: some servers have one reply for it and the transfer.
        """
        return not any(entry.role is not Role.ABORT for entry in self.pending)

    @property
    def possible_users(self) -> list[str | None]:
        """The user, and who will be if the server does not reject it."""
        changes = (entry for entry in self.pending if entry.asks(_USER_CHANGES))
        return [self.user, *(entry.user for entry in changes)]

    @property
    def announcing(self) -> bool:
        """Whether the next reply may be a 227 or 229 that counts."""
        return bool(self.pending) and self.pending[0].asks(_ANNOUNCING)

    def announce(self, expectation: int, decisions: Decisions) -> None:
        """The server accepted: this expectation is the next transfer's, no other is."""
        self.withdraw(decisions)
        self.announced = expectation

    def withdraw(self, decisions: Decisions) -> None:
        """Nothing is announced any more."""
        if self.announced is not None:
            decisions.do(Close(self.announced))
            self.announced = None

    def withdraw_all(self, decisions: Decisions) -> None:
        """Nothing is announced any more, nor will be accepted."""
        self.withdraw(decisions)
        for entry in self.pending:
            if entry.expectation is not None:
                decisions.do(Close(entry.expectation))
                entry.expectation = None

    def answer_head(self, decisions: Decisions) -> None:
        """The gateway's own replies leave when their turn has come."""
        while self.inner is None and self.pending and self.pending[0].answer:
            entry = self.pending.pop(0)
            if entry.role is Role.TRANSFER:
                self.withdraw(decisions)
            decisions.answer(entry.answer)

    def abort(self, code: str, detail: str, decisions: Decisions) -> None:
        """This is not, or no longer, FTP."""
        self.phase = Phase.ABORTED
        decisions.do(Report(code, detail))
        decisions.do(Abort(detail))

    def turn_opaque(self, decisions: Decisions) -> None:
        """From here on nothing can be read."""
        self.phase = Phase.OPAQUE
        decisions.do(Report("ftp.opaque", "the session is encrypted from here on"))
        decisions.do(Opaque())
