"""Out-of-order bytes of one direction, waiting for the gap before them to fill."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field


@dataclass(slots=True)
class Reassembly:
    """A bounded store of disjoint pieces by offset. Where pieces overlap, the first copy wins."""

    max_bytes: int
    max_pieces: int
    starts: list[int] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, start: int, data: bytes) -> tuple[bool, bool]:
        """Store `data` at offset `start`: (everything kept, some overlap differed)."""
        conflict = False
        kept = True
        index = bisect_left(self.starts, start)
        if index and self.starts[index - 1] + len(self.pieces[index - 1]) > start:
            index -= 1
        position = start
        end = start + len(data)
        while position < end:
            if index < len(self.starts) and self.starts[index] <= position:
                old_start, old = self.starts[index], self.pieces[index]
                overlap_end = min(end, old_start + len(old))
                if overlap_end > position:
                    mine = data[position - start : overlap_end - start]
                    theirs = old[position - old_start : overlap_end - old_start]
                    conflict = conflict or mine != theirs
                    position = overlap_end
                index += 1
                continue
            gap_end = min(end, self.starts[index]) if index < len(self.starts) else end
            piece = data[position - start : gap_end - start]
            if len(self.pieces) >= self.max_pieces or self.size + len(piece) > self.max_bytes:
                kept = False
                break
            self.starts.insert(index, position)
            self.pieces.insert(index, piece)
            self.size += len(piece)
            position = gap_end
            index += 1
        return kept, conflict

    def take(self, offset: int) -> bytes:
        """Remove the first piece: its bytes from `offset` on."""
        start = self.starts.pop(0)
        piece = self.pieces.pop(0)
        self.size -= len(piece)
        return piece[offset - start :]

    @property
    def waiting(self) -> bool:
        """Whether anything is stored."""
        return bool(self.pieces)
