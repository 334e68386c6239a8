"""An inspector that fails ends the inspection of its own session, by policy: nothing of the session
passes any more, or all of it unread. In neither case is anything changed or opened by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ryu_alg.engine.engine import Engine
from ryu_alg.engine.session import MAX_STALLED
from ryu_alg.engine.supervision import OvertimeError
from ryu_alg.inspection import (
    Admit,
    Datagram,
    DatagramEffect,
    DatagramInspector,
    Direction,
    Effect,
    Endpoint,
    Exchange,
    Forward,
    Inject,
    Open,
    Party,
    Replace,
    Send,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.settings import ConfigurationError, parse
from tests.security.site import (
    CLIENT,
    CONFIGURATION,
    PUBLIC,
    SERVER,
    Site,
    at,
    configured,
    default_config,
)

Answer = Callable[["Faulty"], Any]


class Faulty(StreamInspector):
    """Passes everything, and knows nothing of what has `BAD` in it."""

    def __init__(self, gateway: StreamGateway, answer: Answer) -> None:
        self.gateway = gateway
        self.answer = answer
        self.asked = 0
        self.data = b""
        self.expected = gateway.expect(listener=Party.CLIENT, port=5000)

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        self.asked += 1
        self.data = data
        answer: Sequence[Effect] = self.answer(self) if b"BAD" in data else [Forward(len(data))]
        return answer

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        return [Forward(len(data))]


def raises(_: Faulty) -> Any:
    raise ValueError("BAD")


def hangs(_: Faulty) -> Any:
    raise OvertimeError


def decides_too_much(faulty: Faulty) -> Any:
    return [Forward(len(faulty.data) + 1)]


def generates(faulty: Faulty) -> Any:
    yield Replace(3, b"changed")
    raise KeyError


def answers_nonsense(_: Faulty) -> Any:
    return ["Forward"]


ANSWERS = [raises, hangs, decides_too_much, generates, answers_nonsense]


def site(answer: Answer, on_fault: str, *, made: Callable[..., Any] = Faulty) -> Site:
    """Where FTP's inspector is that one, and the configuration says what becomes of its faults."""
    said = CONFIGURATION.replace("ftp: {}", f"ftp: {{on_fault: {on_fault}}}")
    config = configured(said).config
    ftp, *others = config.protocols
    ftp = replace(ftp, stream=lambda gateway: made(gateway, answer))
    return Site(Engine(replace(config, protocols=(ftp, *others)), random=Random(1)))


def serves_others(of: Site) -> None:
    other = of.connect("ftp", port=41000)
    assert other.client_sends(b"GOOD\r\n") == b"GOOD\r\n"
    assert not other.reset


@pytest.mark.parametrize("answer", ANSWERS)
def test_dropped(answer: Answer) -> None:
    """The default: both ends are reset, and what was not read does not leave."""
    of = site(answer, "drop")
    faulty = of.connect("ftp")
    assert faulty.client_sends(b"GOOD\r\n", b"BAD\r\n", b"GOOD\r\n") == b"GOOD\r\n"
    assert faulty.reset and faulty.server.reset
    assert sum(code.startswith("inspector.") for code in of.events) == 1
    assert of.shut
    serves_others(of)


@pytest.mark.parametrize("answer", ANSWERS)
def test_opaque(answer: Answer) -> None:
    """All passes as it came, both ways, without another question; nothing opens any more."""
    of = site(answer, "opaque")
    faulty = of.connect("ftp")
    assert faulty.client_sends(b"GOOD\r\n", b"BAD\r\n", b"BAD\r\n") == b"GOOD\r\nBAD\r\nBAD\r\n"
    assert faulty.server_sends(b"BAD\r\n", b"GOOD\r\n") == b"BAD\r\nGOOD\r\n"
    assert not faulty.reset
    assert sum(code.startswith("inspector.") for code in of.events) == 1
    assert "session.opaque" in of.events
    assert of.shut
    assert not list(of.engine.tables.bindings.live)
    serves_others(of)


@pytest.mark.parametrize("on_fault", ["drop", "opaque"])
def test_what_was_open_is_closed(on_fault: str) -> None:
    """And nobody comes in by it."""

    def opens_then_fails(faulty: Faulty) -> Any:
        if faulty.asked == 1:
            assert hasattr(faulty.expected, "id")
            return [Open(faulty.expected.id), Forward(len(faulty.data))]
        raise ValueError

    of = site(opens_then_fails, on_fault)
    faulty = of.connect("ftp")
    assert faulty.client_sends(b"BAD\r\n") == b"BAD\r\n"
    assert len(of.pinholes) == 1
    faulty.client_sends(b"BAD\r\n")
    assert not of.pinholes
    assert faulty.reset == (on_fault == "drop")


@pytest.mark.parametrize("on_fault", ["drop", "opaque"])
def test_what_cannot_be_made(on_fault: str) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError

    of = site(raises, on_fault, made=fails)
    faulty = of.connect("ftp")
    assert of.saw("inspector.failed")
    if on_fault == "drop":
        assert faulty.reset
    else:
        assert faulty.client_sends(b"BAD\r\n") == b"BAD\r\n"
        assert faulty.server_sends(b"BAD\r\n") == b"BAD\r\n"


@pytest.mark.parametrize("on_fault", ["drop", "opaque"])
def test_what_comes_after_a_changed_length(on_fault: str) -> None:
    """Bytes that pass unread stand where they belong, behind what was changed before."""

    def changes_then_fails(faulty: Faulty) -> Any:
        if b"FIRST" in faulty.data:
            return [Replace(len(faulty.data), b"BAD changed\r\n")]
        raise ValueError

    of = site(changes_then_fails, on_fault)
    faulty = of.connect("ftp")
    assert faulty.client_sends(b"BAD FIRST one\r\n") == b"BAD changed\r\n"
    assert faulty.client_sends(b"BAD\r\n", b"more\r\n") == (
        b"" if on_fault == "drop" else b"BAD\r\nmore\r\n"
    )


# --- Neither a byte nor a wait ------------------------------------------------------------------


def admits_and_admits(faulty: Faulty) -> Any:
    """Changes what it admits, each time that it is asked, and decides nothing."""
    if faulty.asked == 1:
        bound = faulty.gateway.bind([at(CLIENT, 6100)])
        faulty.number = bound.id  # type: ignore[attr-defined, union-attr]
    remote = Endpoint(at(SERVER, 1).address, 7000 + faulty.asked % 2)
    return [Admit(faulty.number, (Exchange(0, remote),))]  # type: ignore[attr-defined]


@pytest.mark.parametrize("on_fault", ["drop", "opaque"])
def test_one_that_opens_and_opens_and_decides_nothing(on_fault: str) -> None:
    """The engine notices: each answer of the switch would have it asked again, for ever."""
    of = site(admits_and_admits, on_fault)
    faulty = of.connect("ftp")
    reached = faulty.client_sends(b"BAD\r\n")
    assert of.events.count("inspector.stuck") == 1
    assert len(of.opened) <= MAX_STALLED + 1
    assert reached == (b"" if on_fault == "drop" else b"BAD\r\n")
    assert faulty.reset == (on_fault == "drop")
    serves_others(of)


@pytest.mark.parametrize("answer", [[], [Forward(0)], [Replace(0, b"")]])
def test_one_that_decides_nothing_waits(answer: list[Effect]) -> None:
    """It is asked again when more has come, and not before."""
    asked: list[int] = []

    def waits(faulty: Faulty) -> Any:
        asked.append(len(faulty.data))
        return answer if len(asked) < 3 else [Forward(len(faulty.data))]

    of = site(waits, "drop")
    faulty = of.connect("ftp")
    assert faulty.client_sends(b"BAD", b"BAD") == b""
    assert asked == [3, 6]
    assert faulty.client_sends(b"BAD") == b"BADBADBAD"


@pytest.mark.parametrize(
    "answer", [[Inject(Direction.TO_CLIENT, b"x")], [Inject(Direction.TO_SERVER, b"x")]]
)
def test_one_that_speaks_and_speaks_and_decides_nothing(answer: list[Effect]) -> None:
    """Likewise: each acknowledgement would have it speak again."""
    of = site(lambda _: answer, "drop")
    faulty = of.connect("ftp")
    faulty.client_sends(b"BAD")
    assert of.events.count("inspector.stuck") == 1
    said = faulty.client_side.received + faulty.server.received
    assert 0 < len(said) <= MAX_STALLED + 1
    assert faulty.reset
    serves_others(of)


# --- UDP ----------------------------------------------------------------------------------------


class FaultyOfDatagrams(DatagramInspector):
    """Passes everything, and fails at what has `BAD` in it."""

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        if b"BAD" in datagram.payload:
            raise ValueError
        towards = datagram.origin.other
        return [Send(towards, datagram.inside, datagram.remote, b"changed")]


def udp_site(on_fault: str) -> Site:
    said = CONFIGURATION.replace("sip: {}", f"sip: {{on_fault: {on_fault}}}")
    config = configured(said).config
    protocols = tuple(
        replace(each, datagram=lambda _: FaultyOfDatagrams()) if each.name == "sip" else each
        for each in config.protocols
    )
    return Site(Engine(replace(config, protocols=protocols), random=Random(1)))


PHONE, PROXY = at(CLIENT, 5060), at(SERVER, 5060)


def test_datagrams_are_dropped() -> None:
    """The next one finds a new inspector."""
    of = udp_site("drop")
    assert of.send(PHONE, PROXY, b"BAD", "sip") == []
    assert of.saw("inspector.failed")
    ((source, target, payload),) = of.send(PHONE, PROXY, b"GOOD", "sip")
    assert (str(source.address), target, payload) == (PUBLIC, PROXY, b"changed")


def test_datagrams_pass_unread() -> None:
    """As they came, but for the address of their packet; both ways, until the host falls silent."""
    of = udp_site("opaque")
    for payload in (b"BAD", b"GOOD"):
        ((source, target, left),) = of.send(PHONE, PROXY, payload, "sip")
        assert (str(source.address), target, left) == (PUBLIC, PROXY, payload)
    assert of.send(PROXY, source, b"BAD", "sip") == [(PROXY, PHONE, b"BAD")]
    assert of.send(at("198.51.100.66", 5060), source, b"BAD", "sip") == []
    assert of.events.count("inspector.failed") == 1
    assert of.shut
    of.sleep(of.engine.config.timers.datagram_idle + 1)
    assert not of.engine.datagrams.sessions
    assert of.send(PHONE, PROXY, b"GOOD", "sip")[0][2] == b"changed"


# --- The setting --------------------------------------------------------------------------------


def test_the_default_drops() -> None:
    assert not any(protocol.opaque_on_fault for protocol in default_config().protocols)


def test_it_is_set_for_each_protocol() -> None:
    config = configured(CONFIGURATION.replace("irc: {}", "irc: {on_fault: opaque}")).config
    assert [each.name for each in config.protocols if each.opaque_on_fault] == ["irc"]


def test_what_is_none_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse(CONFIGURATION.replace("irc: {}", "irc: {on_fault: ignore}"))
    (problem,) = raised.value.problems
    assert "protocols.irc.on_fault" in str(problem)
    assert "opaque" in str(problem)
