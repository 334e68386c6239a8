"""Command control."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ryu_alg.protocols.ftp import FtpOptions, commands, policy
from ryu_alg.protocols.ftp.commands import Command
from ryu_alg.protocols.ftp.verbs import VERBS

INSIDE = ip_address("192.168.10.2")


def denied(
    rules: list[dict[str, Any]], line: str, user: str | None = None, profile: str = "none"
) -> bool:
    options = FtpOptions.model_validate({"rules": rules, "profile": profile})
    command = commands.parse(line.encode("latin-1") + b"\r\n")
    assert isinstance(command, Command)
    return policy.denial(options, command, user, INSIDE) is not None


def deny(**criteria: object) -> dict[str, Any]:
    return {"action": "deny", **criteria}


def allow(**criteria: object) -> dict[str, Any]:
    return {"action": "allow", **criteria}


def test_without_rules_all_pass() -> None:
    assert not denied([], "DELE x")
    assert not denied([], "XYZZY x")


def test_the_first_rule_that_fits_decides() -> None:
    rules = [allow(commands="DELE", arguments="/tmp/*"), deny(commands=["DELE", "RMD"])]
    assert not denied(rules, "DELE /tmp/x")
    assert denied(rules, "DELE /etc/x")
    assert denied(rules, "RMD /tmp/x")
    assert not denied(rules, "RETR /etc/x")


def test_another_name_of_a_verb() -> None:
    assert denied([deny(commands="MKD")], "XMKD x")
    assert not denied([deny(commands="XMKD")], "MKD x")


@pytest.mark.parametrize(
    "line",
    [
        "RETR /secret/x",
        "RETR  /secret/x ",
        "retr /SECRET/x",
        "RETR //secret/x",
        "RETR /./secret/x",
        "RETR /pub/../secret/x",
        "RETR \\secret\\x",
        "RETR /secret/../pub/x",
    ],
)
def test_a_denied_path_in_other_spellings(line: str) -> None:
    assert denied([deny(arguments="/secret/*")], line)


def test_an_allowed_path_must_stay_what_it_is() -> None:
    rules = [allow(arguments=["/incoming/*", "/incoming/"]), deny()]
    assert not denied(rules, "STOR /incoming/x")
    assert not denied(rules, "CWD /incoming/")
    assert denied(rules, "STOR /INCOMING/x")
    assert denied(rules, "STOR /incoming/../etc/x")
    assert denied(rules, "STOR /incoming/..\\..\\etc\\x")
    assert denied(rules, "STOR x")


def test_arguments_need_not_be_text() -> None:
    assert denied([deny(arguments="*")], "RETR \x80\xfe")
    assert denied([deny(arguments="")], "STOU")
    assert not denied([deny(arguments="?*")], "STOU")


def test_users() -> None:
    rules = [deny(users=["bob", "guest*"])]
    assert denied(rules, "NOOP", "bob")
    assert denied(rules, "NOOP", "Guest7")
    assert not denied(rules, "NOOP", "alice")
    assert not denied(rules, "NOOP", None)
    rules = [allow(users="bob"), deny()]
    assert not denied(rules, "NOOP", "bob")
    assert denied(rules, "NOOP", "BOB")
    assert denied(rules, "NOOP", None)


def test_clients() -> None:
    assert denied([deny(clients="192.168.0.0/16")], "NOOP")
    assert not denied([deny(clients=["192.168.11.0/24", "2001:db8::/32"])], "NOOP")


def test_replies() -> None:
    def reply(**criteria: object) -> bytes | None:
        options = FtpOptions.model_validate({"rules": [deny(**criteria)]})
        command = commands.parse(b"NOOP\r\n")
        assert isinstance(command, Command)
        return policy.denial(options, command, None, INSIDE)

    assert reply() == b"550 Permission denied by the gateway.\r\n"
    assert reply(reply="Not here.") == b"550 Not here.\r\n"
    assert reply(reply="532 Account first.") == b"532 Account first.\r\n"
    assert reply(reply="1234 is no code") == b"550 1234 is no code\r\n"


def test_read_only() -> None:
    for verb in VERBS.values():
        assert denied([], f"{verb.name} x", profile="read-only") is verb.writes
    assert denied([], "XYZZY x", profile="read-only")
    assert denied([], "MDTM 20240101000000 x", profile="read-only")


def test_rules_make_exceptions_to_the_profile() -> None:
    rules = [allow(commands="STOR", arguments="/incoming/*")]
    assert not denied(rules, "STOR /incoming/x", profile="read-only")
    assert denied(rules, "STOR /pub/x", profile="read-only")
    assert denied(rules, "DELE /incoming/x", profile="read-only")
