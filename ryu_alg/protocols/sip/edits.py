"""Changes of a message: what is not changed leaves byte-identical."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.inspection.edits import Edit, Span, splice
from ryu_alg.inspection.headers import Head
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.names import CONTENT_LENGTH


@dataclass(slots=True)
class Edits:
    """Replacements in one message, and perhaps another body."""

    message: Message
    _changes: list[Edit] = field(default_factory=list)
    _body: bytes | None = None

    def replace(self, span: Span, text: bytes) -> None:
        """`text` stands where `span` was. Of two that overlap, the one that begins first counts."""
        start, end = span
        if self.message.raw[start:end] != text:
            self._changes.append((span, text))

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
        head, body = self.message.head, self.message.body
        changes = list(self._changes)
        if self._body is not None:
            body = self._body
            changes.extend(_length_changes(head, len(body)))
        return splice(self.message.raw[: head.end], changes) + body


def _length_changes(head: Head, length: int) -> list[Edit]:
    return [
        ((item.value_start, item.value_end), b"%d" % length)
        for item in head.fields
        if item.name in CONTENT_LENGTH
    ]
