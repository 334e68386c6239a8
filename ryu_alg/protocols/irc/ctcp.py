r"""CTCPs within the text of a PRIVMSG or NOTICE: what stands between two \001.

Early clients put several of them into one message, between words, and quoted on two levels: \020
in front of what a line cannot hold (NUL, CR, LF), a backslash in front of what a CTCP cannot hold
(`\a` for \001). Few clients of today quote or unquote anything, so both readings are possible.
"""

from __future__ import annotations

import re

from ryu_alg.inspection.edits import Span
from ryu_alg.protocols.irc.messages import Message

DELIMITER = b"\1"
_LOW = re.compile(rb"\x10(.?)", re.DOTALL)
_LOW_MEANINGS = {b"0": b"\0", b"n": b"\n", b"r": b"\r"}
_HIGH = re.compile(rb"\\(.?)", re.DOTALL)


def spans(message: Message) -> list[Span]:
    r"""Where the CTCPs of a PRIVMSG or NOTICE stand, without their \001.

    The last one's end may be missing: clients take it for one all the same.
    """
    if message.command not in (b"PRIVMSG", b"NOTICE") or len(message.parameters) < 2:
        return []
    start, end = message.parameters[1]
    found = []
    position = message.raw.find(DELIMITER, start, end)
    while position >= 0:
        closing = message.raw.find(DELIMITER, position + 1, end)
        found.append((position + 1, closing if closing >= 0 else end))
        position = message.raw.find(DELIMITER, closing + 1, end) if closing >= 0 else -1
    return found


def within_an_answer(message: Message, span: Span) -> bool:
    r"""Whether a CTCP stands in a NOTICE that begins with something else.

    NOTICEs answer CTCPs, and programs do so by themselves, with what they were sent (PING): who
    puts \001 into that has them say whatever he likes (CVE-2022-2663).
    """
    return message.command == b"NOTICE" and span[0] - 1 != message.parameters[1][0]


def unquote(text: bytes) -> bytes:
    """What a client that knows both levels of quoting reads."""
    low = _LOW.sub(lambda match: _LOW_MEANINGS.get(match[1], match[1]), text)
    return _HIGH.sub(lambda match: DELIMITER if match[1] == b"a" else match[1], low)
