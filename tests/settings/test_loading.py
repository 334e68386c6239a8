"""From a file to settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Network, ip_network
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ryu_alg.inspection import ProtocolSpec, Transport
from ryu_alg.settings import (
    Action,
    ConfigurationError,
    FailMode,
    PortRange,
    Problem,
    RuleTransport,
    load,
    parse,
)
from ryu_alg.settings.protocols import ProtocolUnusableError
from tests.settings.conftest import MadeUpOptions, spec
from tests.settings.test_mistakes import GOOD

MINIMAL = """\
gateway: {datapath_id: "0000000000000001", mac: "02:a1:60:00:00:01"}
realms:
  inside: [{name: lan, port: lan, addresses: [192.168.10.1/24]}]
  outside: [{name: wan, port: wan, addresses: [203.0.113.1/24]}]
"""


def test_values_have_their_own_types(made_up: Mapping[str, ProtocolSpec]) -> None:
    settings = parse(GOOD, "gateway.yaml", made_up)

    lan = settings.realms.inside[0]
    assert lan.addresses == (IPv4Interface("192.168.10.1/24"),)
    assert lan.nat == (IPv4Address("203.0.113.1"),)
    assert settings.realms.inside[1].prefixes[1] == IPv6Network("2001:db8:30::/64")
    assert settings.public.partitions.control == PortRange(49152, 53247)
    assert str(settings.published[2].public) == "[2001:db8:30::2]:21"
    rule = settings.outbound.rules[0]
    assert (rule.source, rule.destination) == ("lan", ip_network("192.0.2.0/24"))
    assert (rule.transport, rule.action) == (RuleTransport.TCP, Action.DENY)
    assert settings.protocols["ftp"].options == MadeUpOptions(mode="allow")
    assert settings.timers.session_idle == 900.0


def test_the_least_that_can_be_said() -> None:
    settings = parse(MINIMAL, "gateway.yaml", {})

    assert settings.outbound.default is Action.ALLOW
    assert settings.rest.bind.is_loopback
    assert settings.openflow.bind.is_loopback
    assert settings.gateway.fail_mode is FailMode.VERIFIED
    assert settings.denies(3306)
    assert not settings.denies(2121)
    with pytest.raises(KeyError):
        _ = settings.public.partitions


def test_nothing_is_inspected_that_is_not_bound(made_up: Mapping[str, ProtocolSpec]) -> None:
    """However many protocols are installed (RFC 4787 REQ-10, RFC 5382 REQ-6)."""
    assert parse(MINIMAL, "gateway.yaml", made_up).protocols == {}


@pytest.mark.parametrize("written", ["{}", "", "{options: {}}", "{options: }"])
def test_defaults_of_a_protocol(written: str, made_up: Mapping[str, ProtocolSpec]) -> None:
    settings = parse(f"{MINIMAL}protocols:\n  ftp: {written}\n", "gateway.yaml", made_up)

    ftp = settings.protocols["ftp"]
    assert ftp.ports == (21,)
    assert [str(prefix) for prefix in ftp.servers] == ["0.0.0.0/0", "::/0"]
    assert ftp.options == MadeUpOptions()


def test_everything_is_immutable(made_up: Mapping[str, ProtocolSpec]) -> None:
    settings = parse(GOOD, "gateway.yaml", made_up)

    with pytest.raises(ValidationError, match="frozen"):
        settings.timers.session_idle = 1.0


def test_what_is_dumped_can_be_loaded(made_up: Mapping[str, ProtocolSpec]) -> None:
    settings = parse(GOOD, "gateway.yaml", made_up)

    dumped = yaml.safe_dump(settings.model_dump(mode="json", by_alias=True))

    assert parse(dumped, "gateway.yaml", made_up) == settings


def test_prefixes_of_a_selector(made_up: Mapping[str, ProtocolSpec]) -> None:
    settings = parse(GOOD, "gateway.yaml", made_up)

    assert settings.prefixes(None) == ()
    assert settings.prefixes("wan") == settings.realms.outside[0].prefixes
    assert settings.prefixes(ip_network("10.0.0.0/8")) == (ip_network("10.0.0.0/8"),)
    with pytest.raises(KeyError):
        settings.prefixes("nowhere")


def test_a_public_address_may_be_routed_to_the_gateway(
    made_up: Mapping[str, ProtocolSpec],
) -> None:
    text = GOOD.replace("203.0.113.10]", "192.0.2.7]")

    assert parse(text, "gateway.yaml", made_up).public.knows(IPv4Address("192.0.2.7"))


def test_a_next_hop_may_be_link_local(made_up: Mapping[str, ProtocolSpec]) -> None:
    text = GOOD.replace("[203.0.113.254]", "[203.0.113.254, 'fe80::1']")

    assert len(parse(text, "gateway.yaml", made_up).realms.outside[0].next_hop) == 2


def test_the_token_file_is_found_from_the_configuration_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"{MINIMAL}rest: {{bind: 0.0.0.0, token_file: token}}\n")

    assert load(file, {}).rest.token_file == tmp_path / "token"


def test_certificates_are_found_from_the_configuration_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    tls = "{certificate: it.crt, private_key: /etc/it.key, ca: switches.crt}"
    file.write_text(f"{MINIMAL}openflow: {{tls: {tls}}}\n")

    found = load(file, {}).openflow.tls

    assert found is not None
    assert (found.certificate, found.ca) == (tmp_path / "it.crt", tmp_path / "switches.crt")
    assert found.private_key == Path("/etc/it.key")


def test_an_absolute_token_file_stays(tmp_path: Path) -> None:
    text = f"{MINIMAL}rest: {{token_file: /etc/token}}\n"

    assert parse(text, str(tmp_path / "gateway.yaml"), {}).rest.token_file == Path("/etc/token")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"

    with pytest.raises(ConfigurationError) as caught:
        load(file, {})

    assert str(caught.value) == f"{file}: cannot be read: No such file or directory"


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_bytes(b"gateway: \xff\xfe\n")

    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load(file, {})


class Broken(Mapping[str, ProtocolSpec]):
    """One protocol is registered, and cannot be imported."""

    def __getitem__(self, name: str) -> ProtocolSpec:
        raise ProtocolUnusableError("broken:PROTOCOL cannot be imported: no reason")

    def __iter__(self) -> Iterator[str]:
        return iter(["broken"])

    def __len__(self) -> int:
        return 1


def test_a_protocol_that_cannot_be_used() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(f"{MINIMAL}protocols:\n  broken: {{options: {{a: 1}}}}\n", "gateway.yaml", Broken())

    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (6, "protocols.broken")
    assert "cannot be imported: no reason" in problem.wrong


def test_one_port_may_have_a_protocol_for_each_transport() -> None:
    installed = {"ftp": spec("ftp", 69), "tftp": spec("tftp", 69, transport=Transport.UDP)}

    parse(f"{MINIMAL}protocols: {{ftp: {{}}, tftp: {{}}}}\n", "gateway.yaml", installed)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_refused_with_problems_or_loaded(
    data: st.DataObject, made_up: Mapping[str, ProtocolSpec]
) -> None:
    lines = GOOD.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(lines) - 1))
        line = lines[position]
        match data.draw(st.sampled_from(["drop", "cut", "repeat", "indent", "put"])):
            case "drop":
                lines[position] = ""
            case "cut":
                lines[position] = line[: data.draw(st.integers(0, len(line)))]
            case "repeat":
                lines.insert(position, line)
            case "indent":
                lines[position] = " " * data.draw(st.integers(0, 8)) + line.lstrip()
            case _:
                value = data.draw(st.sampled_from(["[]", "{}", "~", "-1", "x", "[[1]]", "{a: b}"]))
                lines[position] = f"{line.partition(':')[0]}: {value}"

    for problem in _problems("\n".join(lines), made_up):
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.wrong
        assert "\n" not in str(problem)


def _problems(text: str, installed: Mapping[str, ProtocolSpec]) -> tuple[Problem, ...]:
    try:
        parse(text, "gateway.yaml", installed)
    except ConfigurationError as error:
        return error.problems
    return ()
