"""What the client sends.

Invariants: only a PRIVMSG or NOTICE of a client that the server has welcomed announces anything;
one that holds something that may not pass does not leave at all; a pinhole is open before the
message that announces it leaves.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from ryu_alg.inspection import Close, Open, Report
from ryu_alg.inspection.framing import Line, Unframed, take_line
from ryu_alg.inspection.names import printable
from ryu_alg.protocols.irc import ctcp, dcc, messages, policy
from ryu_alg.protocols.irc.dcc import Dcc, Fault
from ryu_alg.protocols.irc.decisions import GATEWAY, Decisions
from ryu_alg.protocols.irc.dialogue import Dialogue, Phase
from ryu_alg.protocols.irc.messages import LINE_LIMIT, MESSAGE_LIMIT, Malformed, Message
from ryu_alg.protocols.irc.offers import Change, Offers, Refused

OPENING = frozenset(
    {b"AUTHENTICATE", b"CAP", b"NICK", b"PASS", b"PING", b"QUIT", b"STARTTLS", b"USER", b"WEBIRC"}
)
"""What a session may begin with: RFC 2812 section 3.1, IRCv3, gateways from the web."""
MAX_DCCS = 8
"""DCCs in one message."""
_TLS_HANDSHAKE = 0x16
_FIRST_BYTES = frozenset(string.ascii_letters.encode()) | frozenset(b" @:\r\n")
_FAULTS = {
    Fault.SYNTAX: "it cannot be read",
    Fault.QUOTED: "its quoting cannot be read",
}


@dataclass(slots=True)
class Requests:
    """The client's side of one dialogue."""

    dialogue: Dialogue
    offers: Offers

    def take(self, data: bytes, decisions: Decisions) -> None:
        """Decide about the client's bytes, as far as that is possible now."""
        dialogue = self.dialogue
        position = 0
        while position < len(data) and dialogue.phase is Phase.OPEN:
            if dialogue.starting_tls:
                break
            if dialogue.swallowing:
                position += self._swallow(data, position, decisions)
                continue
            if not dialogue.spoken and data[position] == _TLS_HANDSHAKE:
                self._tls(len(data) - position, decisions)
                break
            if not dialogue.spoken and data[position] not in _FIRST_BYTES:
                self._not_irc(decisions)
                break
            match take_line(data, position, LINE_LIMIT):
                case Line() as line:
                    self._line(line, decisions)
                    position += len(line.raw)
                case Unframed.OVERLONG if dialogue.spoken:
                    dialogue.swallowing = True
                case Unframed.PARTIAL:
                    break
                case _:
                    self._not_irc(decisions)

    def _swallow(self, data: bytes, position: int, decisions: Decisions) -> int:
        """The next part of a line that is too long: how many bytes it has."""
        end = data.find(b"\n", position) + 1
        length = (end or len(data)) - position
        decisions.replace(length, b"")
        if end:
            self.dialogue.swallowing = False
            decisions.do(Report("irc.line.overlong", f"a line of more than {LINE_LIMIT} bytes"))
            self._reply(b"417", "Input line was too long", decisions)
        return length

    def _line(self, line: Line, decisions: Decisions) -> None:
        dialogue = self.dialogue
        message = messages.parse(line)
        if not dialogue.spoken and line.text.strip(b" "):
            if not (isinstance(message, Message) and message.command in OPENING):
                self._not_irc(decisions)
                return
            dialogue.spoken = True
        match message:
            case Malformed.SYNTAX:
                decisions.forward(len(line.raw))  # the server's answer is as good as ours
            case Malformed():
                decisions.replace(len(line.raw), b"")
                code, detail = f"irc.line.{message.value}", "a line that may be read as another"
                dialogue.refuse(code, detail, "Line not sent: it holds a NUL or CR.", decisions)
            case Message(command=b"STARTTLS"):
                self._start_tls(message, decisions)
            case _:
                self._message(message, decisions)

    def _message(self, message: Message, decisions: Decisions) -> None:
        raw = message.raw
        changes: list[Change] = []
        for span in ctcp.spans(message):
            found = dcc.parse(raw, span)
            if found is None:
                continue
            shown = printable(raw[slice(*span)])
            if len(changes) >= MAX_DCCS:
                outcome: Change | Refused = _TOO_MANY
            elif ctcp.within_an_answer(message, span):
                outcome = _REFLECTED
            else:
                outcome = self._outcome(found)
            if isinstance(outcome, Refused):
                self._refuse(message, shown, outcome, changes, decisions)
                return
            changes.append(outcome)
        edits = [edit for change in changes for edit in change.edits]
        growth = sum(len(text) - (end - start) for (start, end), text in edits)
        length = len(raw) - message.tags_end
        if growth > 0 and length + growth > MESSAGE_LIMIT >= length:
            self._refuse(message, "", _NO_ROOM, changes, decisions)
            return
        for change in changes:
            if change.opens is not None:
                # There is nothing to wait for: the other user accepts by connecting.
                decisions.do(Open(change.opens))
        if edits:
            decisions.rewrite(raw, edits)
        else:
            decisions.forward(len(raw))

    def _outcome(self, found: Dcc | Fault) -> Change | Refused:
        denied = policy.denial(self.offers.options, found)
        if denied is not None:
            return Refused("denied", "", denied)
        if isinstance(found, Fault):
            return Refused(found.value, "", _FAULTS[found])
        if not self.dialogue.registered:
            return Refused("unregistered", "", "the server has not welcomed you yet")
        return self.offers.sent(found)

    def _refuse(
        self,
        message: Message,
        shown: str,
        refused: Refused,
        changes: list[Change],
        decisions: Decisions,
    ) -> None:
        """The message does not leave, and what it has armed is withdrawn."""
        for number in (refused.arms, *(change.opens for change in changes)):
            if number is not None:
                decisions.do(Close(number))
        decisions.replace(len(message.raw), b"")
        detail = ": ".join(filter(None, (shown, refused.detail)))
        text = f"{shown or 'DCC'} not sent: {refused.text}."
        self.dialogue.refuse(f"irc.dcc.{refused.reason}", detail, text, decisions)

    def _start_tls(self, message: Message, decisions: Decisions) -> None:
        if self.offers.options.tls == "allow":
            self.dialogue.starting_tls = True
            decisions.forward(len(message.raw))
            return
        decisions.replace(len(message.raw), b"")
        decisions.do(Report("irc.tls.refused", "STARTTLS"))
        self._reply(b"691", "STARTTLS failed (the gateway does not permit it)", decisions)

    def _reply(self, numeric: bytes, text: str, decisions: Decisions) -> None:
        line = b":%s %s %s :%s\r\n" % (GATEWAY, numeric, self.dialogue.nick, text.encode())
        decisions.tell(line)

    def _not_irc(self, decisions: Decisions) -> None:
        self.dialogue.abort("irc.not_irc", "the client does not begin as IRC does", decisions)

    def _tls(self, length: int, decisions: Decisions) -> None:
        if self.offers.options.tls == "refuse":
            self.dialogue.abort("irc.tls.refused", "the client begins with TLS", decisions)
        else:
            decisions.forward(length)
            self.dialogue.turn_opaque(decisions)


_REFLECTED = Refused("reflected", "within an answer", "it stands within an answer")
_TOO_MANY = Refused("too_many", f"more than {MAX_DCCS} in a message", "too many in a message")
_NO_ROOM = Refused("overlong", f"more than {MESSAGE_LIMIT} bytes", "the message is too long")
