"""TELNET commands within a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.protocols.ftp import telnet


def test_a_line_without() -> None:
    plain = telnet.strip(b"ABOR\r\n")
    assert plain.text == b"ABOR\r\n"
    assert plain.span(0, 4) == (0, 4)
    assert not plain.ambiguous


def test_signals_before_abor() -> None:
    plain = telnet.strip(b"\xff\xf4\xff\xf2ABOR\r\n")
    assert plain.text == b"ABOR\r\n"
    assert plain.span(0, 4) == (4, 8)


def test_options_take_a_byte_more() -> None:
    assert telnet.strip(b"\xff\xfd\x06NOOP\n").text == b"NOOP\n"
    assert telnet.strip(b"NO\xff\xfb\x01OP\n").span(0, 4) == (0, 7)


def test_a_doubled_iac_is_a_byte_and_so_is_one_before_text() -> None:
    assert telnet.strip(b"RETR \xff\xff.txt\n").text == b"RETR \xff.txt\n"
    assert telnet.strip(b"RETR \xff.txt\n").text == b"RETR \xff.txt\n"
    assert telnet.strip(b"RETR \xff\n").text == b"RETR \xff\n"


@pytest.mark.parametrize("line", [b"\xff\xfdSTOR x\r\n", b"NOOP\xff\xfb\r\n", b"NOOP\xff\xfe\n"])
def test_an_option_that_may_be_text_is_ambiguous(line: bytes) -> None:
    assert telnet.strip(line).ambiguous


@given(st.binary())
def test_every_byte_of_the_text_stood_in_the_line(line: bytes) -> None:
    plain = telnet.strip(line)
    assert len(plain.where) == len(plain.text)
    assert bytes(line[at] for at in plain.where) == plain.text
    assert list(plain.where) == sorted(set(plain.where))
