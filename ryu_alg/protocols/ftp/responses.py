"""What the server sends: replies, each to the oldest command that awaits one.

Invariants: a 227 or 229 means something only as the reply to the PASV or EPSV whose turn it
is; the lines within a reply of several lines mean nothing; the server's pinhole opens before
the reply that announces it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Close, Expectation, Open, Refusal, Report
from ryu_alg.inspection.framing import Line, Unframed, take_line
from ryu_alg.protocols.ftp import replies
from ryu_alg.protocols.ftp.decisions import Decisions
from ryu_alg.protocols.ftp.dialogue import Dialogue, Pending, Phase
from ryu_alg.protocols.ftp.negotiation import Negotiator, Refused
from ryu_alg.protocols.ftp.replies import ReplyLine
from ryu_alg.protocols.ftp.telnet import IAC
from ryu_alg.protocols.ftp.verbs import Role

LINE_LIMIT = 8192
"""The longest reply line, in bytes with its end."""
ADDRESS_REPLY_LINES = 32
"""The longest 227 or 229, in lines: it is held until it is complete, and LINE_LIMIT bytes."""
_ANNOUNCING = {Role.PASSIVE: 227, Role.EXTENDED_PASSIVE: 229}
_ABORTED = frozenset({225, 226})


@dataclass(slots=True)
class Responses:
    """The server's side of one dialogue."""

    dialogue: Dialogue
    negotiator: Negotiator

    def take(self, data: bytes, decisions: Decisions) -> None:
        """Decide about the server's bytes, as far as that is possible now."""
        position = 0
        while position < len(data) and self.dialogue.phase is Phase.OPEN:
            match take_line(data, position, LINE_LIMIT):
                case Line(raw):
                    length = self._line(raw, data, position, decisions)
                    if length == 0:
                        return
                    position += length
                case Unframed.OVERLONG:
                    detail = f"a reply line of more than {LINE_LIMIT} bytes"
                    self.dialogue.abort("ftp.reply.overlong", detail, decisions)
                case Unframed.PARTIAL:
                    if self._greets and not _may_become_reply(data[position : position + 3]):
                        self._not_ftp(decisions)
                    return

    @property
    def _greets(self) -> bool:
        head = self.dialogue.head
        waits = head is not None and head.role is Role.GREETING
        return waits and self.dialogue.inner is None

    def _line(self, raw: bytes, data: bytes, position: int, decisions: Decisions) -> int:
        """Decide about the line `raw`, or the reply that it begins: how many bytes that was."""
        dialogue = self.dialogue
        line = replies.parse(raw)
        if self._greets and not (line is not None and line.may_open):
            self._not_ftp(decisions)
        elif dialogue.inner is not None:
            if line is None or line.more or line.code != dialogue.inner:
                decisions.forward(len(raw))
            else:
                dialogue.inner = None
                self._reply(line, raw, decisions, dialogue.unasked)
        elif line is None:
            decisions.forward(len(raw))
        elif line.more and self._announces(line, decisions):
            return self._long_announcement(line, data, position, decisions)
        elif line.more:
            dialogue.inner = line.code
            dialogue.unasked = not dialogue.pending
            decisions.forward(len(raw))
        elif self._announces(line, decisions):
            self._announcement(raw, [(line.text, len(raw))], decisions)
        else:
            self._reply(line, raw, decisions, not dialogue.pending)
        return len(raw)

    def _announces(self, line: ReplyLine, decisions: Decisions) -> bool:
        """Whether this is the 227 or 229 that the command at the head asks for."""
        self._pass_over_abort(line, decisions)
        head = self.dialogue.head
        return head is not None and _ANNOUNCING.get(head.role) == line.code

    def _pass_over_abort(self, line: ReplyLine, decisions: Decisions) -> None:
        """Some servers answer an aborted transfer and its ABOR with one reply for both."""
        pending = self.dialogue.pending
        if len(pending) < 2 or pending[0].role is not Role.ABORT:
            return
        if line.code < 400 and line.code not in _ABORTED:
            pending.pop(0)
            self.dialogue.answer_head(decisions)

    def _long_announcement(
        self, first: ReplyLine, data: bytes, position: int, decisions: Decisions
    ) -> int:
        """A 227 or 229 of several lines: the address is in its last line or in its first."""
        start = end = data.index(b"\n", position) + 1
        for _ in range(1, ADDRESS_REPLY_LINES):
            framed = take_line(data, end, LINE_LIMIT - (end - position))
            if framed is Unframed.PARTIAL:
                return 0
            if not isinstance(framed, Line):
                break
            line = replies.parse(framed.raw)
            begin, end = end, end + len(framed.raw)
            if line is not None and not line.more and line.code == first.code:
                reply = data[position:end]
                last_text = (begin - position + line.text, end - position)
                texts = [last_text, (first.text, start - position)]
                self._announcement(reply, texts, decisions)
                return len(reply)
        detail = f"a {first.code} of more than {LINE_LIMIT} bytes or {ADDRESS_REPLY_LINES} lines"
        self.dialogue.abort("ftp.reply.overlong", detail, decisions)
        return 0

    def _announcement(
        self, reply: bytes, texts: list[tuple[int, int]], decisions: Decisions
    ) -> None:
        """The whole 227 or 229 that was asked for; the address is within one of `texts`."""
        dialogue = self.dialogue
        head = dialogue.pending.pop(0)
        outcome = self.negotiator.passive(reply, texts, head.role is Role.EXTENDED_PASSIVE)
        if isinstance(outcome, Refused):
            if outcome.expectation is not None:
                decisions.do(Close(outcome.expectation))
            decisions.do(Report(f"ftp.pasv.{outcome.reason}", f"{head.shown} {outcome.detail}"))
            decisions.replace(len(reply), replies.make(outcome.code, outcome.text))
        else:
            dialogue.announce(outcome.expectation, decisions)
            decisions.do(Open(outcome.expectation))
            decisions.rewrite(reply, outcome.spans, outcome.text)
        dialogue.answer_head(decisions)

    def _reply(self, line: ReplyLine, raw: bytes, decisions: Decisions, unasked: bool) -> None:
        """The last line of any other reply."""
        dialogue = self.dialogue
        if not unasked:
            self._pass_over_abort(line, decisions)
        head = None if unasked else dialogue.head
        if head is None:
            if line.code in _ANNOUNCING.values():
                decisions.do(Report("ftp.reply.unasked", f"{line.code} that nobody asked for"))
        elif line.preliminary:
            head.transferring = head.role is Role.TRANSFER
        else:
            dialogue.pending.pop(0)
            self._settle(head, line, decisions)
        if head is not None and head.role is Role.SECURITY and line.goes_on:
            self._secure(raw, decisions)
            return
        decisions.forward(len(raw))
        dialogue.answer_head(decisions)

    def _settle(self, head: Pending, line: ReplyLine, decisions: Decisions) -> None:
        """What the final reply to a command changes, before it leaves."""
        dialogue = self.dialogue
        match head.role:
            case Role.ACTIVE if head.expectation is not None:
                if line.accepts:
                    dialogue.announce(head.expectation, decisions)
                else:
                    decisions.do(Close(head.expectation))
            case Role.EXTENDED_ONLY if line.accepts:
                dialogue.extended_only = True
            case Role.USER if line.goes_on:
                dialogue.user = head.user
            case Role.REINITIALIZE if line.accepts:
                dialogue.user = None
                dialogue.withdraw(decisions)
            case Role.TRANSFER if not line.not_understood:
                dialogue.withdraw(decisions)
            case Role.ABORT | Role.QUIT:
                dialogue.withdraw(decisions)

    def _secure(self, raw: bytes, decisions: Decisions) -> None:
        """The server accepts AUTH: this reply is the last that can be read."""
        self.dialogue.withdraw(decisions)
        match self.negotiator.static():
            case Expectation(id=number):
                decisions.do(Open(number))
            case Refusal(code, detail):
                decisions.do(Report("ftp.pasv.refused", f"passive_ports: {code}: {detail}"))
        decisions.forward(len(raw))
        self.dialogue.turn_opaque(decisions)

    def _not_ftp(self, decisions: Decisions) -> None:
        self.dialogue.abort("ftp.not_ftp", "the server does not begin as FTP does", decisions)


def _may_become_reply(begin: bytes) -> bool:
    """Whether a server of FTP may begin with these, at most three, bytes."""
    return begin[0] == IAC or begin.isdigit()
