"""The cookie layout."""

from __future__ import annotations

import pytest

from ryu_alg.openflow.cookies import EVERY, EVERY_ID, Kind, cookie, parse


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("number", [0, 1, 0xFFFF_FFFF])
def test_what_was_put_in_comes_out(kind: Kind, number: int) -> None:
    assert parse(cookie(kind, number)) == (kind, number)


def test_the_layout() -> None:
    assert cookie(Kind.PINHOLE, 0x1234) == 0xA160_0300_0000_1234


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_ids_have_32_bits(number: int) -> None:
    with pytest.raises(ValueError):
        cookie(Kind.DATA, number)


@pytest.mark.parametrize("foreign", [0, 0x1234, EVERY, 0xA16_FFF << 40])
def test_cookies_of_others_are_not_ours(foreign: int) -> None:
    assert parse(foreign) is None


def test_a_mask_chooses_a_kind() -> None:
    assert cookie(Kind.DATA, 5) & EVERY_ID == cookie(Kind.DATA) & EVERY_ID
    assert cookie(Kind.DATA, 5) & EVERY_ID != cookie(Kind.CUT, 5) & EVERY_ID
