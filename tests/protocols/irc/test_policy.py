"""What may be offered."""

from __future__ import annotations

import pytest

from ryu_alg.protocols.irc import dcc, policy
from ryu_alg.protocols.irc.options import IrcOptions
from tests.protocols.irc.session import options


def denied(rules: IrcOptions, text: bytes) -> bool:
    found = dcc.parse(text, (0, len(text)))
    assert found is not None
    return policy.denial(rules, found) is not None


def test_by_default_everything_may() -> None:
    for text in (b"DCC SEND a 1 5000", b"DCC X", b"DCC SEND", b"D\x10CC CHAT"):
        assert not denied(IrcOptions(), text)


def test_nothing_at_all() -> None:
    for text in (
        b"DCC SEND a 1 5000",
        b"DCC X",
        b"DCC SEND",
        b"D\x10CC CHAT",
        b"DCC REJECT SEND a",
    ):
        assert denied(options(dcc="refuse"), text)


@pytest.mark.parametrize(
    "name",
    [
        *(b"a.exe", b"A.EXE", b'"b a.exe"', b"/x/a.exe", rb"C:\x\a.exe", b"a.exe.", b'"a.exe "'),
        *(b"a.e\x10xe", rb"a.e\xe", b"a.exe/.", b"x//a.exe", "ä.exe".encode(), b"\xff.exe"),
    ],
)
def test_denied_names(name: bytes) -> None:
    for rest in (b" 1 5000", b" 1 0 10 77"):
        assert denied(options(deny_files="*.exe"), b"DCC SEND " + name + rest)
    assert denied(options(deny_files="*.exe"), b"DCC RSEND " + name)


@pytest.mark.parametrize("name", [b"a.exe.txt", b"exe", b"a.ex"])
def test_other_names(name: bytes) -> None:
    assert not denied(options(deny_files="*.exe"), b"DCC SEND " + name + b" 1 5000")


def test_a_name_is_also_what_stands_behind_the_path() -> None:
    assert denied(options(deny_files="secret*"), b"DCC SEND /tmp/secret.txt 1 5000")
    assert denied(options(deny_files="secret*"), rb"DCC SEND C:\tmp\secret.txt 1 5000")


def test_allowed_names() -> None:
    rules = options(allow_files=["*.jpg", "*.png"], deny_files="x*")
    assert not denied(rules, b"DCC SEND a.jpg 1 5000")
    assert not denied(rules, b'DCC SEND "/b/a b.png" 1 5000')
    for name in (b"a.gif", b"a.JPG", b"x.jpg", b"/y/x.jpg", b"a.jpg.", b'""'):
        assert denied(rules, b"DCC SEND " + name + b" 1 5000")


def test_sizes() -> None:
    rules = options(max_size=1000)
    assert not denied(rules, b"DCC SEND a 1 5000 1000")
    assert denied(rules, b"DCC SEND a 1 5000 1001")
    assert denied(rules, b"DCC SEND a 1 5000")
    assert denied(rules, b"DCC SEND a 1 0 99999999999999999999 7")
    assert not denied(rules, b"DCC CHAT chat 1 5000")
    assert not denied(rules, b"DCC RESUME a 5000 2000")


@pytest.mark.parametrize("rules", [{"deny_files": "x"}, {"allow_files": "*"}, {"max_size": 10}])
def test_what_cannot_be_judged_is_denied(rules: dict[str, object]) -> None:
    for text in (b"DCC X", b"DCC VOICE gsm 1 5000", b"DCC SEND a", b"D\x10CC SEND a 1 5000 1"):
        assert denied(options(**rules), text)
