"""Port ranges and their blocks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.settings.ports import PORT_MAX, PORT_MIN, PortRange, nearest_range

RANGES = st.tuples(st.integers(PORT_MIN, PORT_MAX), st.integers(PORT_MIN, PORT_MAX)).map(
    lambda ends: PortRange(min(ends), max(ends))
)


@pytest.mark.parametrize(
    ("ports", "blocks"),
    [
        (PortRange(49152, 53247), [(0xC000, 0xF000)]),
        (PortRange(57344, 65535), [(0xE000, 0xE000)]),
        (PortRange(21, 21), [(21, 0xFFFF)]),
        (PortRange(1023, 1025), [(1023, 0xFFFF), (1024, 0xFFFE)]),
        (PortRange(0, 65535), [(0, 0)]),
    ],
)
def test_blocks(ports: PortRange, blocks: list[tuple[int, int]]) -> None:
    assert list(ports.blocks()) == blocks


@settings(deadline=None)
@given(RANGES)
def test_blocks_cover_the_range_and_nothing_else(ports: PortRange) -> None:
    covered = 0
    expected_first = ports.first
    for value, mask in ports.blocks():
        size = PORT_MAX + 1 - mask
        assert value == expected_first
        assert value & mask == value
        expected_first = value + size
        covered += size
    assert covered == len(ports)


def test_a_range_as_it_is_written() -> None:
    assert str(PortRange(21, 21)) == "21"
    assert str(PortRange(1024, 2047)) == "1024-2047"
    assert 2047 in PortRange(1024, 2047)
    assert 2048 not in PortRange(1024, 2047)


def test_overlap() -> None:
    assert PortRange(1, 5).overlaps(PortRange(5, 9))
    assert not PortRange(1, 5).overlaps(PortRange(6, 9))


@settings(deadline=None)
@given(RANGES)
def test_the_nearest_range_is_valid_and_near(wanted: PortRange) -> None:
    nearest = nearest_range(wanted, 4, ())

    assert nearest is not None
    assert len(nearest.blocks()) <= 4
    assert PORT_MIN <= nearest.first <= nearest.last <= PORT_MAX
    if len(wanted.blocks()) <= 4:
        assert nearest == wanted


def test_the_nearest_range_keeps_out_of_what_is_taken() -> None:
    taken = PortRange(32768, 49999)

    nearest = nearest_range(PortRange(50000, 53001), 1, [taken])

    assert nearest is not None
    assert not nearest.overlaps(taken)
    assert nearest_range(PortRange(50000, 53001), 4, [PortRange(1, 65535)]) is None
