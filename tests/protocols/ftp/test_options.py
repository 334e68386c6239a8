"""What the configuration may say."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from ryu_alg.protocols.ftp import PROTOCOL, FtpOptions
from ryu_alg.protocols.ftp.options import Rule


def test_defaults_refuse() -> None:
    options = FtpOptions()
    assert (options.auth, options.foreign_port, options.foreign_pasv) == ("refuse",) * 3
    assert options.fxp_hosts == ()
    assert options.rules == ()


def test_one_item_needs_no_brackets() -> None:
    options = FtpOptions.model_validate(
        {"fxp_hosts": "192.0.2.7", "rules": [{"action": "deny", "commands": "stor"}]}
    )
    assert options.fxp_hosts == (ip_network("192.0.2.7/32"),)
    assert options.rules[0].commands == ("STOR",)


@pytest.mark.parametrize(
    "mistake",
    [
        {"auht": "allow"},
        {"auth": "maybe"},
        {"profile": "readonly"},
        {"fxp_hosts": ["192.0.2.7/24"]},
        {"fxp_hosts": ["ftp.example.net"]},
        {"command_limit": 16},
        {"passive_ports": "50000-50099"},
        {"auth": "allow", "passive_ports": "50099-50000"},
        {"auth": "allow", "passive_ports": "1000-2000"},
        {"auth": "allow", "passive_ports": "65000-66000"},
        {"auth": "allow", "passive_ports": "many"},
        {"rules": [{"commands": ["STOR"]}]},
        {"rules": [{"action": "deny", "comands": ["STOR"]}]},
        {"rules": [{"action": "deny", "commands": ["ST OR"]}]},
        {"rules": [{"action": "deny", "clients": ["10.0.0.1/8"]}]},
        {"rules": [{"action": "deny", "reply": "550 one\r\n230 two"}]},
        {"rules": [{"action": "deny", "reply": "230 Welcome"}]},
        {"rules": [{"action": "deny", "reply": ""}]},
        {"rules": [{"action": "allow", "reply": "550 no"}]},
    ],
    ids=str,
)
def test_mistakes(mistake: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FtpOptions.model_validate(mistake)


def test_a_port_range() -> None:
    def ports(value: object) -> tuple[int, int] | None:
        options = FtpOptions.model_validate({"auth": "allow", "passive_ports": value})
        again = FtpOptions.model_validate(options.model_dump())
        assert again == options
        return options.passive_range

    assert ports("50000-50099") == (50000, 50099)
    assert ports("50000 - 50099") == (50000, 50099)
    assert ports(50000) == (50000, 50000)
    assert ports(None) is None


def test_a_reply_may_leave_out_its_code() -> None:
    assert Rule(action="deny", reply="Not here.").reply == "Not here."
    assert Rule(action="deny", reply="450 Later.").reply == "450 Later."


def test_the_schema_explains_each_option() -> None:
    schema = FtpOptions.model_json_schema()
    assert all("description" in field for field in schema["properties"].values())


def test_how_the_protocol_registers() -> None:
    assert (PROTOCOL.name, PROTOCOL.ports) == ("ftp", (21,))
    assert PROTOCOL.options is FtpOptions
