"""TELNET within FTP's control connection (RFC 854, RFC 959 section 4.1.3, RFC 1123 4.1.2.12).

A client puts IAC IP, IAC DM before ABOR; some put options anywhere. They are read past, and
leave as they came. What a server might read in another way than the gateway is ambiguous:
such a line must not reach it.
"""

from __future__ import annotations

from typing import NamedTuple

IAC = 0xFF
_WILL = 0xFB
_DONT = 0xFE
_FIRST_COMMAND = 0xF0
_LAST_OPTION = 49
"""The highest assigned option that could be taken for text; letters lie above it."""
_LINE_ENDS = frozenset(b"\r\n")


class Plain(NamedTuple):
    """A line without its TELNET commands, and where each byte of it stood."""

    text: bytes
    where: range | tuple[int, ...]
    ambiguous: bool = False
    """A TELNET option that could as well be text, or swallow the end of the line."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where text[start:end], which is not empty, stood in the line."""
        return self.where[start], self.where[end - 1] + 1


def strip(line: bytes) -> Plain:
    """`line` without TELNET commands. IAC IAC is the byte 255; so is IAC before any text."""
    if IAC not in line:
        return Plain(line, range(len(line)))
    text = bytearray()
    where: list[int] = []
    ambiguous = False
    position = 0
    while position < len(line):
        command = line[position + 1] if position + 1 < len(line) else 0
        if line[position] != IAC or command < _FIRST_COMMAND:
            text.append(line[position])
            where.append(position)
            position += 1
        elif command == IAC:
            text.append(IAC)
            where.append(position)
            position += 2
        elif _WILL <= command <= _DONT:
            option = line[position + 2] if position + 2 < len(line) else _LAST_OPTION + 1
            ambiguous |= option > _LAST_OPTION or option in _LINE_ENDS
            position += 3
        else:
            position += 2
    return Plain(bytes(text), tuple(where), ambiguous)
