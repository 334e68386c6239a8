"""How scalars are read; what is refused is in test_mistakes."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from ryu_alg.inspection import Endpoint, Transport
from ryu_alg.settings import Action, parsers
from ryu_alg.settings.ports import PortRange

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(), st.integers(), max_size=2),
)
ALL_PARSERS = [
    parsers.parse_address,
    parsers.parse_datapath_id,
    parsers.parse_duration,
    parsers.parse_endpoint,
    parsers.parse_flow_timeout,
    parsers.parse_interface,
    parsers.parse_mac,
    parsers.parse_name,
    parsers.parse_network,
    parsers.parse_path,
    parsers.parse_port,
    parsers.parse_port_name,
    parsers.parse_port_range,
    parsers.parse_public_address,
    parsers.parse_selector,
    parsers.parse_transport,
    parsers.choice(Action),
]


@pytest.mark.parametrize(
    ("parse", "written", "value"),
    [
        (parsers.parse_duration, 90, 90.0),
        (parsers.parse_duration, 0.5, 0.5),
        (parsers.parse_duration, "90", 90.0),
        (parsers.parse_duration, "250ms", 0.25),
        (parsers.parse_duration, "30s", 30.0),
        (parsers.parse_duration, "1.5 m", 90.0),
        (parsers.parse_duration, "2h", 7200.0),
        (parsers.parse_duration, "1d", 86400.0),
        (parsers.parse_flow_timeout, "2m", 120),
        (parsers.parse_port, "21", 21),
        (parsers.parse_port_range, 21, PortRange(21, 21)),
        (parsers.parse_port_range, "1024 - 2047", PortRange(1024, 2047)),
        (parsers.parse_address, "2001:db8::1", ip_address("2001:db8::1")),
        (parsers.parse_interface, "10.0.0.1/31", ip_interface("10.0.0.1/31")),
        (parsers.parse_interface, "2001:db8::1/64", ip_interface("2001:db8::1/64")),
        (parsers.parse_network, "10.0.0.1", ip_network("10.0.0.1/32")),
        (parsers.parse_selector, "lan", "lan"),
        (parsers.parse_selector, "10.0.0.0/8", ip_network("10.0.0.0/8")),
        (parsers.parse_endpoint, "192.0.2.1:21", Endpoint(ip_address("192.0.2.1"), 21)),
        (parsers.parse_endpoint, "[2001:db8::1]:21", Endpoint(ip_address("2001:db8::1"), 21)),
        (parsers.parse_transport, "udp", Transport.UDP),
        (parsers.parse_datapath_id, 1234567890123456, "1234567890123456"),
        (parsers.parse_datapath_id, "00001A2B3C4D5E6F", "00001a2b3c4d5e6f"),
        (parsers.parse_mac, "02:A1:60:00:00:01", "02:a1:60:00:00:01"),
        (parsers.parse_path, "token", Path("token")),
        (parsers.choice(Action), "deny", Action.DENY),
    ],
)
def test_read(parse: Callable[[object], Any], written: object, value: object) -> None:
    read = parse(written)

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("parse", ALL_PARSERS)
def test_what_is_read_can_be_read_again(parse: Callable[[object], Any]) -> None:
    samples = {
        parsers.parse_address: "192.0.2.1",
        parsers.parse_interface: "192.0.2.1/24",
        parsers.parse_network: "192.0.2.0/24",
        parsers.parse_endpoint: "192.0.2.1:21",
        parsers.parse_port_range: "1-2",
        parsers.parse_transport: "tcp",
    }
    if parse in samples:
        value = parse(samples[parse])
        assert parse(value) == value


@pytest.mark.parametrize("parse", ALL_PARSERS)
@settings(deadline=None)
@given(value=ANYTHING)
def test_whatever_is_written_is_read_or_refused(
    parse: Callable[[object], Any], value: object
) -> None:
    said = _refusal(parse, value)

    assert said is None or (said["wrong"] and "\n" not in said["wrong"])


@pytest.mark.parametrize("parse", [parsers.parse_duration, parsers.parse_flow_timeout])
def test_more_digits_than_a_number_has(parse: Callable[[object], Any]) -> None:
    assert _refusal(parse, "9" * 400 + "s") is not None


def _refusal(parse: Callable[[object], Any], value: object) -> dict[str, Any] | None:
    try:
        parse(value)
    except PydanticCustomError as error:
        return error.context
    return None


@given(st.integers(min_value=1, max_value=10_000_000).map(lambda ms: ms / 1000))
def test_durations_are_written_as_they_are_read(seconds: float) -> None:
    written = parsers.write_duration(seconds)

    assert parsers.parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.25, "0.25s"), (30, "30s"), (60, "1m"), (90, "90s"), (7200, "2h"), (86400, "1d")],
)
def test_durations_as_people_write_them(seconds: float, written: str) -> None:
    assert parsers.write_duration(seconds) == written
