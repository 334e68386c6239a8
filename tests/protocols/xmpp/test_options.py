"""What the configuration may say."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from ryu_alg.protocols.xmpp import PROTOCOL, XmppOptions


def test_defaults() -> None:
    options = XmppOptions()
    assert (options.starttls, options.other_hosts) == ("pass", "pass")
    assert options.relayed_hosts == ()
    assert options.peers == (ip_network("0.0.0.0/0"), ip_network("::/0"))


def test_one_item_needs_no_brackets() -> None:
    options = XmppOptions.model_validate({"peers": "192.0.2.0/24", "relayed_hosts": "192.0.2.7"})
    assert options.peers == (ip_network("192.0.2.0/24"),)
    assert options.relayed_hosts == (ip_network("192.0.2.7/32"),)


@pytest.mark.parametrize(
    "mistake",
    [
        {"startls": "pass"},
        {"starttls": "refuse"},
        {"other_hosts": "allow"},
        {"peers": ["192.0.2.7/24"]},
        {"relayed_hosts": ["example.net"]},
        {"offer_wait": 0},
        {"stanza_limit": 65536},
    ],
    ids=str,
)
def test_mistakes(mistake: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        XmppOptions.model_validate(mistake)


def test_how_the_protocol_registers() -> None:
    assert (PROTOCOL.name, PROTOCOL.ports) == ("xmpp", (5222,))
    assert PROTOCOL.options is XmppOptions
    assert PROTOCOL.stream is not None and PROTOCOL.datagram is None
