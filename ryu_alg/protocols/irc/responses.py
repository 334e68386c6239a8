"""What the server sends: mostly what other users say, which is theirs to answer for.

Invariants: nothing that comes from the server opens anything; whole lines only leave, so that the
gateway's own have their place between them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Report
from ryu_alg.inspection.edits import Edit
from ryu_alg.inspection.framing import Line, Unframed, take_line
from ryu_alg.inspection.names import printable
from ryu_alg.protocols.irc import ctcp, dcc, messages, policy
from ryu_alg.protocols.irc.dcc import Dcc
from ryu_alg.protocols.irc.decisions import Decisions, notice
from ryu_alg.protocols.irc.dialogue import Dialogue, Phase
from ryu_alg.protocols.irc.messages import LINE_LIMIT, Message
from ryu_alg.protocols.irc.offers import Offers

_STARTTLS_GRANTED = b"670"
_STARTTLS_REFUSED = frozenset({b"421", b"451", b"461", b"462", b"691"})
_WELCOME = b"001"


@dataclass(slots=True)
class Responses:
    """The server's side of one dialogue."""

    dialogue: Dialogue
    offers: Offers

    def take(self, data: bytes, decisions: Decisions) -> None:
        """Decide about the server's bytes, as far as that is possible now."""
        position = 0
        while position < len(data) and self.dialogue.phase is Phase.OPEN:
            match take_line(data, position, LINE_LIMIT):
                case Line() as line:
                    self._line(line, decisions)
                    position += len(line.raw)
                case Unframed.OVERLONG:
                    detail = f"the server sends a line of more than {LINE_LIMIT} bytes"
                    self.dialogue.abort("irc.line.overlong", detail, decisions)
                case Unframed.PARTIAL:
                    return

    def _line(self, line: Line, decisions: Decisions) -> None:
        message = messages.parse(line)
        if not isinstance(message, Message):
            decisions.forward(len(line.raw))
            return
        dialogue = self.dialogue
        match message.command:
            case b"PRIVMSG" | b"NOTICE":
                self._message(message, decisions)
                return
            case b"NICK" if message.nick == dialogue.nick:
                dialogue.nick = message.parameter(0) or dialogue.nick
            case numeric if numeric == _WELCOME:
                dialogue.registered = True
                dialogue.nick = message.parameter(0) or dialogue.nick
        decisions.forward(len(line.raw))
        if dialogue.starting_tls:
            if message.command == _STARTTLS_GRANTED:
                dialogue.turn_opaque(decisions)
            elif message.command in _STARTTLS_REFUSED:
                dialogue.starting_tls = False

    def _message(self, message: Message, decisions: Decisions) -> None:
        raw = message.raw
        edits: list[Edit] = []
        for span in ctcp.spans(message):
            found = dcc.parse(raw, span)
            if found is None:
                continue
            denied = policy.denial(self.offers.options, found)
            if denied is not None:
                shown = f"{printable(raw[slice(*span)])} from {printable(message.nick)}"
                decisions.do(Report("irc.dcc.denied", shown))
                text = f"{shown} withheld: {denied}."
                decisions.replace(len(raw), notice(self.dialogue.nick, text))
                return
            if isinstance(found, Dcc):
                edits += self.offers.received(found).edits
        if edits:
            decisions.rewrite(raw, edits)
        else:
            decisions.forward(len(raw))
