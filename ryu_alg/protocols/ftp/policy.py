"""Command control: which command of whom may reach the server."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ryu_alg.inspection import Address
from ryu_alg.inspection.addresses import within
from ryu_alg.inspection.names import may_fit, path_spellings, surely_fits
from ryu_alg.protocols.ftp import replies
from ryu_alg.protocols.ftp.commands import Command
from ryu_alg.protocols.ftp.options import FtpOptions, Rule

DENIED_CODE = 550
_DENIED_TEXT = "Permission denied by the gateway."
_READ_ONLY_TEXT = "Permission denied: the gateway allows reading only."
_SET_TIME = "[0-9]" * 14 + " *"
"""MDTM with a time in front of the path sets it, on some servers."""


def controls(options: FtpOptions) -> bool:
    """Whether any command of anybody may be denied."""
    return bool(options.rules) or options.profile == "read-only"


def denial(
    options: FtpOptions, command: Command, user: str | None, client: Address
) -> bytes | None:
    """The reply to a denied command; None if it may pass."""
    for rule in options.rules:
        if _fits(rule, command, user, client):
            return _answer(rule) if rule.action == "deny" else None
    if options.profile == "read-only" and _may_write(command):
        return replies.make(DENIED_CODE, _READ_ONLY_TEXT)
    return None


def _answer(rule: Rule) -> bytes:
    text = rule.reply or _DENIED_TEXT
    if text[:3].isdigit() and text[3:4] == " ":
        return text.encode() + b"\r\n"
    return replies.make(DENIED_CODE, text)


def _may_write(command: Command) -> bool:
    if command.verb is None or command.verb.writes:
        return True
    sets_time = fnmatchcase(command.argument.decode("latin-1"), _SET_TIME)
    return command.name == "MDTM" and sets_time


def _fits(rule: Rule, command: Command, user: str | None, client: Address) -> bool:
    names = {command.name}
    if command.verb is not None and command.verb.same_as:
        names.add(command.verb.same_as)
    if rule.commands and names.isdisjoint(rule.commands):
        return False
    if rule.clients and not within(client, rule.clients):
        return False
    fits = may_fit if rule.action == "deny" else surely_fits
    if rule.users and (user is None or not fits(rule.users, [user])):
        return False
    return not rule.arguments or fits(rule.arguments, path_spellings(command.argument))
