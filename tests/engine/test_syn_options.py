"""SYN options: what is kept, what is lowered, and what goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.engine.syn_options import SynOptions, build, parse

# As Linux sends them: MSS 1460, SACK permitted, timestamps, NOP, window scale 7.
LINUX = bytes.fromhex("020405b40402080a000000010000000001030307")


def test_mss_is_lowered_window_scale_kept_and_the_rest_gone() -> None:
    announced = parse(LINUX)
    assert announced == SynOptions(mss=1460, window_scale=7)
    assert build(announced, 536) == bytes.fromhex("0204057401030307")


@pytest.mark.parametrize(("mss", "lowered"), [(None, 472), (100, 88), (88, 88), (40, 40)])
def test_a_small_or_absent_mss(mss: int | None, lowered: int) -> None:
    assert build(SynOptions(mss, None), 536) == b"\x02\x04" + lowered.to_bytes(2, "big")


@given(st.binary(max_size=40))
def test_nothing_malformed_raises(options: bytes) -> None:
    announced = parse(options)
    assert len(build(announced, 536)) in (4, 8)
    assert announced.window_scale is None or announced.window_scale <= 14
