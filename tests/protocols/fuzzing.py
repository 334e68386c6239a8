"""Conversations that hypothesis makes up."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from ryu_alg.inspection import Direction

Arrival = tuple[Direction, bytes]

any_bytes = st.lists(st.tuples(st.sampled_from(Direction), st.binary()), max_size=10)


@st.composite
def mutations(
    draw: st.DrawFn, script: Sequence[Arrival], inserted: st.SearchStrategy[bytes]
) -> list[Arrival]:
    """A real conversation in which some arrivals are not as they were; what is inserted into one
    is of `inserted`."""
    changed = list(script)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed) - 1))
        direction, data = changed[at]
        cut = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 4))
        match draw(st.sampled_from(["change", "insert", "delete", "repeat", "swap", "drop"])):
            case "change":
                data = data[:cut] + draw(st.binary(max_size=length)) + data[cut + length :]
            case "insert":
                data = data[:cut] + draw(inserted) + data[cut:]
            case "delete":
                data = data[:cut] + data[cut + length :]
            case "repeat":
                data = data + data
            case "swap":
                direction = direction.opposite
            case _:
                data = b""
        changed[at] = (direction, data)
    return changed
