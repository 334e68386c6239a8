"""What may be offered: names and sizes of files, or nothing at all."""

from __future__ import annotations

from ryu_alg.inspection.names import may_fit, path_spellings, surely_fits
from ryu_alg.protocols.irc import ctcp
from ryu_alg.protocols.irc.dcc import Dcc, Fault
from ryu_alg.protocols.irc.options import IrcOptions


def denial(options: IrcOptions, dcc: Dcc | Fault) -> str | None:
    """Why this DCC may not pass, for people to read; None if it may.

    RESUME and ACCEPT go on with a file that was offered before: some clients name another there.
    """
    if options.dcc == "refuse":
        return "DCC is not permitted"
    if not options.restricts_files:
        return None
    if isinstance(dcc, Fault) or dcc.verb is None:
        return "only what can be read is permitted"
    if not dcc.verb.has_file:
        return None
    spellings = _spellings(dcc.argument)
    if may_fit(options.deny_files, spellings):
        return "this file is not permitted"
    if options.allow_files and not surely_fits(options.allow_files, spellings):
        return "this file is not permitted"
    if options.max_size is not None and (dcc.size is None or dcc.size > options.max_size):
        return f"files of more than {options.max_size} bytes are not permitted"
    return None


def _spellings(name: bytes) -> tuple[str, ...]:
    """What a client may read: with CTCP's quoting or without, with the path in front or without,
    and without what some file systems drop behind a name."""
    found: dict[str, None] = {}
    for text in (name, ctcp.unquote(name)):
        for path in path_spellings(text):
            for part in (path, path.rpartition("/")[2]):
                found.update(dict.fromkeys((part, part.rstrip(" ."))))
    return tuple(found)
