"""The options of SIP."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ryu_alg.protocols.sip import SipOptions


def test_the_defaults_are_transparent() -> None:
    options = SipOptions()
    assert options.mode == "transparent"
    assert options.rules == () and options.registrars == () and not options.rewrite_identity


def test_one_item_may_stand_alone() -> None:
    options = SipOptions.model_validate(
        {"registrars": "198.51.100.7", "rules": [{"action": "deny", "methods": "publish"}]}
    )
    assert [str(network) for network in options.registrars] == ["198.51.100.7/32"]
    assert options.rules[0].methods == ("PUBLISH",)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"rules": [{"action": "deny", "methods": "ACK"}]}, "belongs to an INVITE"),
        ({"rules": [{"action": "deny", "methods": "cancel"}]}, "belongs to an INVITE"),
        ({"rules": [{"action": "deny", "methods": "a b"}]}, "is no SIP method"),
        ({"rules": [{"action": "drop"}]}, "allow"),
        ({"b2bua_hosts": "192.168.10.0/24"}, "needs `mode: b2bua`"),
        ({"b2bua_peers": "198.51.100.7"}, "needs `mode: b2bua`"),
        ({"registrars": "h.example"}, "IPv4"),
        ({"message_limit": 100}, "1500"),
        ({"colour": "red"}, "Extra"),
    ],
)
def test_what_is_refused(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        SipOptions.model_validate(options)
