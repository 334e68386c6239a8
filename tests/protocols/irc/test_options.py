"""What the configuration may say."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from ryu_alg.protocols.irc import PROTOCOL, IrcOptions
from tests.protocols.irc.session import options


def test_defaults() -> None:
    made = IrcOptions()
    assert (made.dcc, made.tls, made.restricts_files) == ("allow", "refuse", False)
    assert made.dcc_peers == (ip_network("0.0.0.0/0"), ip_network("::/0"))


def test_one_item_needs_no_brackets() -> None:
    made = options(dcc_peers="192.0.2.7", deny_files="*.exe", allow_files="*")
    assert made.dcc_peers == (ip_network("192.0.2.7/32"),)
    assert (made.deny_files, made.allow_files) == (("*.exe",), ("*",))


@pytest.mark.parametrize(
    "mistake",
    [
        {"ddc": "allow"},
        {"dcc": "maybe"},
        {"tls": "on"},
        {"dcc_peers": ["192.0.2.7/24"]},
        {"dcc_peers": ["irc.example.net"]},
        {"max_size": -1},
        {"offer_wait": 5},
        {"offer_wait": 86400},
    ],
    ids=str,
)
def test_mistakes(mistake: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        options(**mistake)


def test_the_schema_explains_each_option() -> None:
    schema = IrcOptions.model_json_schema()
    assert all("description" in field for field in schema["properties"].values())


def test_how_the_protocol_registers() -> None:
    assert (PROTOCOL.name, PROTOCOL.ports) == ("irc", (6667,))
    assert PROTOCOL.options is IrcOptions
