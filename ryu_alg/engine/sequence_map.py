"""The map from the input to the output sequence space of one direction.

Offsets count from the initial sequence number, which is never changed: offset 0 is the SYN.
They do not wrap.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_EDITS = 1024
"""More edits than that are remembered as one, which delays acknowledgements within it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`in_length` input bytes at `in_start` left as `out_length` bytes at `out_start`."""

    in_start: int
    in_length: int
    out_start: int
    out_length: int

    @property
    def in_end(self) -> int:
        return self.in_start + self.in_length

    @property
    def out_end(self) -> int:
        return self.out_start + self.out_length


@dataclass(frozen=True, slots=True)
class SequenceMap:
    """The edits that the receiver has not acknowledged yet, oldest first.

    It does not change: what is added or forgotten makes another one, and all streams without edits
    have the same.
    """

    edits: tuple[Edit, ...] = ()
    shift: int = 0
    """Output minus input offset behind the last edit, in bytes."""

    def add(self, in_start: int, in_length: int, out_start: int, out_length: int) -> SequenceMap:
        """With an edit behind all others.

        A deletion right behind an edit becomes part of it, so that deletions without end take
        no memory while no acknowledgement can come for them.
        """
        shift = self.shift + out_length - in_length
        if self.edits:
            last = self.edits[-1]
            if len(self.edits) >= MAX_EDITS or (out_length == 0 and last.in_end == in_start):
                in_length += in_start - last.in_start
                out_length += out_start - last.out_start
                whole = Edit(last.in_start, in_length, last.out_start, out_length)
                return SequenceMap((*self.edits[:-1], whole), shift)
        edit = Edit(in_start, in_length, out_start, out_length)
        return SequenceMap((*self.edits, edit), shift)

    def output_start(self, offset: int) -> int:
        """Where the input byte at `offset` stands in the output; in an edit, its start."""
        return self._output(offset, at_end=False)

    def output_end(self, offset: int) -> int:
        """As `output_start`, but in an edit, its end."""
        return self._output(offset, at_end=True)

    def _output(self, offset: int, at_end: bool) -> int:
        shift = self.shift
        for edit in reversed(self.edits):
            if offset >= edit.in_end:
                return offset + shift
            shift -= edit.out_length - edit.in_length
            if offset > edit.in_start:
                return edit.out_end if at_end else edit.out_start
        return offset + shift

    def input_acknowledged(self, offset: int) -> int:
        """The input offset up to which all output lies below the output `offset`."""
        shift = self.shift
        if not self.edits:
            return offset - shift
        for edit in reversed(self.edits):
            if offset >= edit.out_end:
                return offset - shift
            shift -= edit.out_length - edit.in_length
            if offset > edit.out_start:
                return edit.in_start
        return offset - shift

    def without(self, offset: int) -> SequenceMap:
        """Without the edits whose output lies wholly below the output `offset`."""
        kept = 0
        for edit in self.edits:
            if edit.out_end > offset:
                break
            kept += 1
        return SequenceMap(self.edits[kept:], self.shift) if kept else self


UNEDITED = SequenceMap()
