"""Changes of a message: what is not changed leaves byte-identical."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.inspection.headers import Head
from ryu_alg.protocols.sip.grammar import Span
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.names import CONTENT_LENGTH


@dataclass(slots=True)
class Edits:
    """Replacements in one message, and perhaps another body."""

    message: Message
    _changes: list[tuple[int, int, bytes]] = field(default_factory=list)
    _body: bytes | None = None

    def replace(self, span: Span, text: bytes) -> None:
        """`text` stands where `span` was. Of two that overlap, the one that begins first counts."""
        start, end = span
        if self.message.raw[start:end] != text:
            self._changes.append((start, end, text))

    def replace_body(self, body: bytes) -> None:
        """Another body; Content-Length follows."""
        self._body = None if body == self.message.body else body

    @property
    def changed(self) -> bool:
        """Whether anything is."""
        return bool(self._changes) or self._body is not None

    def result(self) -> bytes:
        """The message with its changes."""
        if not self.changed:
            return self.message.raw
        head = self.message.head
        changes = list(self._changes)
        if self._body is not None:
            changes.extend(_length_changes(head, len(self._body)))
        raw = self.message.raw
        pieces = []
        position = 0
        for start, end, text in sorted(changes, key=lambda change: change[:2]):
            if start < position:
                continue
            pieces += [raw[position:start], text]
            position = end
        pieces.append(raw[position : head.end])
        pieces.append(self.message.body if self._body is None else self._body)
        return b"".join(pieces)


def _length_changes(head: Head, length: int) -> list[tuple[int, int, bytes]]:
    return [
        (item.value_start, item.value_end, b"%d" % length)
        for item in head.fields
        if item.name in CONTENT_LENGTH
    ]
