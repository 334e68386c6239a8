"""What the client sends: commands that pass, change, or are answered by the gateway.

Invariants: a command that is refused never reaches the server, and its reply stands where
the server's would have stood; behind a command whose reply decides about a data connection
nothing passes until that reply is there; PORT and EPRT pass when the server has answered all
that came before, and their pinhole is open then.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from ryu_alg.inspection import Close, Open, Report
from ryu_alg.inspection.framing import Line, Unframed, take_line
from ryu_alg.protocols.ftp import commands, policy, replies
from ryu_alg.protocols.ftp.commands import Command, Malformed
from ryu_alg.protocols.ftp.decisions import Decisions
from ryu_alg.protocols.ftp.dialogue import Dialogue, Pending, Phase
from ryu_alg.protocols.ftp.negotiation import Negotiator, Refused
from ryu_alg.protocols.ftp.telnet import IAC
from ryu_alg.protocols.ftp.verbs import Role

_ADDRESSES_AND_PORTS = frozenset({Role.ACTIVE, Role.PASSIVE})
"""What EPSV ALL rules out (EPRT is one of them)."""
_FIRST_BYTES = frozenset(string.ascii_letters.encode()) | frozenset(b" \t") | {IAC}


@dataclass(slots=True)
class Requests:
    """The client's side of one dialogue."""

    dialogue: Dialogue
    negotiator: Negotiator

    def take(self, data: bytes, decisions: Decisions, last: bool = False) -> None:
        """Decide about the client's bytes, as far as that is possible now.

        `last`: there is no later, since the client has ended its direction; then no reply is
        waited for.
        """
        dialogue = self.dialogue
        limit = self.negotiator.options.command_limit
        position = 0
        while position < len(data) and dialogue.phase is Phase.OPEN:
            if dialogue.holding_for_good if last else dialogue.holding:
                break
            if dialogue.swallowing:
                position += self._swallow(data, position, decisions)
                continue
            match take_line(data, position, limit):
                case Line(raw):
                    if not self._line(raw, decisions):
                        break
                    position += len(raw)
                case Unframed.OVERLONG if dialogue.spoken:
                    dialogue.swallowing = True
                case Unframed.PARTIAL if dialogue.spoken or _may_become_verb(data[position]):
                    break
                case _:
                    self._not_ftp(decisions)

    def _swallow(self, data: bytes, position: int, decisions: Decisions) -> int:
        """The next part of a line that is too long: how many bytes it has."""
        end = data.find(b"\n", position) + 1
        if end == 0:
            decisions.delete(len(data) - position)
            return len(data) - position
        self.dialogue.swallowing = False
        limit = self.negotiator.options.command_limit
        report = Report("ftp.line.overlong", f"a command line of more than {limit} bytes")
        reply = replies.make(500, "Command line too long.")
        self._refuse(end - position, Role.PLAIN, reply, report, decisions)
        return end - position

    def _line(self, raw: bytes, decisions: Decisions) -> bool:
        """Decide about a line, or leave it where it is: whether it is decided."""
        dialogue = self.dialogue
        command = commands.parse(raw)
        if not dialogue.spoken and not (isinstance(command, Command) and command.may_open):
            self._not_ftp(decisions)
            return True
        dialogue.spoken = True
        if isinstance(command, Malformed):
            report = Report(f"ftp.line.{command.value}", "a command line that is none")
            reply = replies.make(500, "Syntax error, command unrecognized.")
            self._refuse(len(raw), Role.PLAIN, reply, report, decisions)
            return True
        role, argument = command.role, command.argument.decode("utf-8", "surrogateescape")
        denial = self._denial(command, role, argument)
        if denial is not None:
            report = Report("ftp.denied", command.shown)
            self._refuse(len(raw), role, denial, report, decisions)
        elif refusal := self._unserved(command, role):
            self._refuse(len(raw), role, *refusal, decisions)
        elif role is Role.ACTIVE:
            if not dialogue.settled:
                # Its pinhole opens at once, so the server must have answered all that came
                # before, its greeting at the least.
                return False
            self._active(command, decisions)
        else:
            user = argument if role is Role.USER else None
            dialogue.pending.append(Pending(role, command.name, user=user))
            decisions.forward(len(raw))
        return True

    def _denial(self, command: Command, role: Role, argument: str) -> bytes | None:
        """The reply that command control has for it, for whoever may be the user."""
        if not policy.controls(self.negotiator.options):
            return None
        users = [argument] if role is Role.USER else self.dialogue.possible_users
        client = self.negotiator.gateway.conversation.client.address
        for user in users:
            if denial := policy.denial(self.negotiator.options, command, user, client):
                return denial
        return None

    def _unserved(self, command: Command, role: Role) -> tuple[bytes, Report] | None:
        """The reply to what the gateway does not serve, whoever asks."""
        if role is Role.UNSUPPORTED:
            reply = replies.make(502, f"{command.name} is not supported by the gateway.")
            return reply, Report("ftp.unsupported", command.name)
        if role is Role.SECURITY and self.negotiator.options.auth == "refuse":
            reply = replies.make(534, "The gateway does not permit encrypted sessions.")
            return reply, Report("ftp.auth.refused", command.shown)
        if role in _ADDRESSES_AND_PORTS and self.dialogue.extended_only:
            reply = replies.make(501, f"{command.name} is not allowed after EPSV ALL.")
            return reply, Report("ftp.epsv_all", command.name)
        return None

    def _active(self, command: Command, decisions: Decisions) -> None:
        outcome = self.negotiator.active(command)
        raw = command.raw
        if isinstance(outcome, Refused):
            if outcome.expectation is not None:
                decisions.do(Close(outcome.expectation))
            report = Report(f"ftp.port.{outcome.reason}", f"{command.name} {outcome.detail}")
            reply = replies.make(outcome.code, outcome.text)
            self._refuse(len(raw), command.role, reply, report, decisions)
            return
        pending = Pending(command.role, command.name, expectation=outcome.expectation)
        self.dialogue.pending.append(pending)
        # Before the server reads it: some (pyftpdlib) accept by connecting at once, and send
        # their 200 over a connection that works. Any other answer closes the pinhole again.
        decisions.do(Open(outcome.expectation))
        decisions.rewrite(raw, outcome.spans, outcome.text)

    def _refuse(
        self, length: int, role: Role, reply: bytes, report: Report, decisions: Decisions
    ) -> None:
        """The next `length` bytes are a command that stays here and is answered in turn."""
        decisions.do(report)
        decisions.delete(length)
        self.dialogue.pending.append(Pending(role, "", answer=reply))
        self.dialogue.answer_head(decisions)

    def _not_ftp(self, decisions: Decisions) -> None:
        self.dialogue.abort("ftp.not_ftp", "the client does not begin as FTP does", decisions)


def _may_become_verb(byte: int) -> bool:
    """Whether a client of FTP may begin with it."""
    return byte in _FIRST_BYTES
