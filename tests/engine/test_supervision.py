"""What a faulty inspector does stays in its session: over TCP, over UDP, and in every shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from random import Random
from typing import Any, cast

import pytest

from ryu_alg.engine import snapshot
from ryu_alg.engine.commands import Publish
from ryu_alg.engine.config import ProtocolBinding
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import Timeout
from ryu_alg.engine.segment import RST, SYN
from ryu_alg.engine.supervision import Fault, OvertimeError, Unwatched, ask, ask_time, unwatched
from ryu_alg.inspection import (
    Abort,
    Admit,
    Close,
    Datagram,
    DatagramEffect,
    DatagramInspector,
    Direction,
    Effect,
    Endpoint,
    Exchange,
    Expectation,
    Forward,
    Hold,
    Inject,
    Listen,
    Open,
    Party,
    Pass,
    Realm,
    Release,
    Replace,
    Report,
    Send,
    StreamGateway,
    StreamInspector,
    Unbind,
    Watch,
)
from tests.engine.conversation import SERVER, Talk, config
from tests.engine.toy_datagrams import PHONE, PROXY, Exchanged, Network, at
from tests.engine.toy_datagrams import config as datagram_config

WHERE = Endpoint(ip_address(SERVER), 4000)


class Plugin(StreamInspector):
    """Does what its test wants done when a line `DO` comes; everything else passes."""

    def __init__(self, gateway: StreamGateway, do: Callable[[Plugin], Any]) -> None:
        self.gateway = gateway
        self.do = do
        self.due: Any = None

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        return self.do(self) if data == b"DO\n" else [Forward(len(data))]

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        return []

    def next_timeout(self) -> float | None:
        return self.due() if callable(self.due) else self.due


def engine(do: Callable[[Plugin], Any], **changes: Any) -> Engine:
    """With a protocol whose inspector does that."""
    (toy,) = config().protocols
    plugin = ProtocolBinding("plugin", toy.ports, toy.servers, lambda gateway: Plugin(gateway, do))
    return Engine(config(protocols=(plugin,), services=(), **changes), random=Random(1))


def pair(do: Callable[[Plugin], Any]) -> tuple[Talk, Talk]:
    """A conversation to be broken, and another one."""
    subject = engine(do)
    return Talk(subject).open(), Talk(subject, client_port=40001).open()


def events(talk: Talk) -> list[str]:
    return [command.code for command in talk.of(Publish)]


def assert_alone(broken: Talk, other: Talk, code: str = "inspector.failed") -> Publish:
    """One event says it, both ends of that session are reset, and the other one goes on."""
    assert events(broken) == [code, "session.aborted", "session.ended"]
    assert sorted(bool(segment.flags & RST) for segment in broken.emitted()) == [True, True]
    other.client_sends(b"HELLO\n")
    assert other.reached_server() == b"HELLO\n"
    event = cast(Publish, broken.of(Publish)[0])
    assert event.protocol == "plugin" and event.detail.startswith("plugin: ")
    return event


def shown(value: object) -> str:
    """The same in each process that collects the tests."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def failing(error: BaseException) -> Callable[[Any], Any]:
    def fail(_: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), SystemExit(1), RecursionError(), MemoryError()], ids=shown
)
def test_whatever_it_raises(error: BaseException) -> None:
    broken, other = pair(failing(error))
    broken.client_sends(b"DO\n")
    event = assert_alone(broken, other)
    assert type(error).__name__ in event.detail and "secret" not in event.detail
    assert "test_supervision.py:" in event.detail


def test_the_place_of_a_fault_is_the_plugins_own() -> None:
    broken, other = pair(lambda plugin: plugin.gateway.realm_of(None))
    broken.client_sends(b"DO\n")
    detail = assert_alone(broken, other).detail
    assert detail.count(".py:") and "config.py" not in detail and "session.py" not in detail


def test_what_is_over_its_time() -> None:
    broken, other = pair(failing(OvertimeError()))
    broken.client_sends(b"DO\n")
    assert_alone(broken, other, "inspector.slow")


def test_a_signal_to_the_process_is_no_fault_of_the_plugin() -> None:
    broken, _ = pair(failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        broken.client_sends(b"DO\n")


UNSOUND: list[Any] = [
    None,
    3,
    [None],
    ["Forward"],
    [Forward],
    [Forward(cast(Any, 1.0))],
    [Forward(-1)],
    [Forward(4)],
    [Replace(3, cast(Any, "text"))],
    [Replace(cast(Any, None), b"")],
    [Inject(cast(Any, "to_client"), b"x")],
    [Inject(Direction.TO_CLIENT, cast(Any, 5))],
    [Open(cast(Any, [1]))],
    [Close(cast(Any, {}))],
    [Unbind(cast(Any, "1"))],
    [Abort(cast(Any, b"reason"))],
    [Report("plugin.fine", cast(Any, None))],
    [Report("No Code", "")],
    [Report("plugin." + "x" * 80, "")],
    [Report("plugin", "")],
    [Admit(1, cast(Any, None))],
    [Admit(1, cast(Any, (WHERE,)))],
    [Admit(1, (Exchange(cast(Any, "0"), WHERE),))],
    [Admit(1, (Exchange(0, cast(Any, "somewhere")),))],
    [Admit(1, (), cast(Any, "outside"))],
    [Listen(cast(Any, None), b"cause", 1.0)],
    [Listen(1, cast(Any, "cause"), 1.0)],
    [Listen(1, b"cause", cast(Any, "soon"))],
    [Send(Realm.OUTSIDE, WHERE, WHERE, b"of the other transport")],
    [Watch(WHERE)],
    [Pass(b"of the other transport")],
]


@pytest.mark.parametrize("answer", UNSOUND, ids=shown)
def test_whatever_it_answers(answer: Any) -> None:
    broken, other = pair(lambda _: answer)
    broken.client_sends(b"DO\n")
    assert "inspector.failed" in events(broken) and "session.ended" in events(broken)
    assert broken.reached_server() == b""
    other.client_sends(b"HELLO\n")
    assert other.reached_server() == b"HELLO\n"


def test_an_answer_that_fails_while_it_is_read() -> None:
    def generate(_: Plugin) -> Any:
        yield Forward(3)
        raise RuntimeError

    broken, other = pair(generate)
    broken.client_sends(b"DO\n")
    assert_alone(broken, other)
    assert broken.reached_server() == b""


@pytest.mark.parametrize(
    "wrong",
    [
        {"listener": "client"},
        {"port": "4000"},
        {"port": 4000.0},
        {"transport": "tcp"},
        {"third_party": "198.51.100.66"},
        {"peers": ["198.51.100.0/24"]},
        {"last_port": "4001"},
        {"wait": "long"},
        {"wait": 0},
        {"wait": 65536},
    ],
    ids=shown,
)
def test_whatever_it_asks_expect_for(wrong: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"listener": Party.CLIENT, "port": 4000, **wrong}
    broken, other = pair(lambda plugin: [plugin.gateway.expect(**asked)])
    broken.client_sends(b"DO\n")
    assert_alone(broken, other)
    assert not list(snapshot.pinholes(broken.engine, 0.0))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"port": 22}, "expectation.refused.port.privileged"),
        ({"port": 70000}, "expectation.refused.port.privileged"),
        ({"port": 6379}, "expectation.refused.port.denied"),
        ({"port": 5000, "last_port": 4000}, "expectation.refused.port.privileged"),
        ({"port": 4000, "last_port": 50000}, "expectation.refused.port.denied"),
    ],
    ids=shown,
)
def test_what_policy_forbids_is_refused_and_named(wrong: dict[str, Any], code: str) -> None:
    def ask_for(plugin: Plugin) -> Sequence[Effect]:
        assert not isinstance(plugin.gateway.expect(listener=Party.CLIENT, **wrong), Expectation)
        return [Forward(3)]

    broken, _ = pair(ask_for)
    broken.client_sends(b"DO\n")
    (event,) = broken.of(Publish)
    assert (event.code, event.protocol, event.session) == (code, "plugin", 1)
    assert broken.reached_server() == b"DO\n"
    assert not list(snapshot.pinholes(broken.engine, 0.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"inside": ["192.168.10.2:4000"]},
        {"transport": 17.5},
        {"public": "203.0.113.1"},
        {"idle": "short"},
        {"idle": -1},
    ],
    ids=shown,
)
def test_whatever_it_asks_bind_for(wrong: dict[str, Any]) -> None:
    def ask_for(plugin: Plugin) -> Any:
        asked: dict[str, Any] = {"inside": [plugin.gateway.conversation.client], **wrong}
        return [plugin.gateway.bind(asked.pop("inside"), **asked)]

    broken, other = pair(ask_for)
    broken.client_sends(b"DO\n")
    assert_alone(broken, other)
    assert not broken.engine.tables.bindings.live


@pytest.mark.parametrize(
    "wrong", [("192.168.10.2:4000", b"cause"), (WHERE, "cause"), (WHERE, None)], ids=shown
)
def test_whatever_it_asks_listen_for(wrong: tuple[Any, Any]) -> None:
    broken, other = pair(lambda plugin: [plugin.gateway.listen(*wrong)])
    broken.client_sends(b"DO\n")
    assert_alone(broken, other)
    assert not broken.engine.tables.listeners.live


@pytest.mark.parametrize(
    "make",
    [
        failing(RuntimeError()),
        failing(OvertimeError()),
        lambda gateway: [gateway.expect(listener=Party.CLIENT, port=4000), 1 / 0],
    ],
    ids=["raises", "hangs", "has announced something"],
)
def test_an_inspector_that_cannot_be_made_resets_its_client_and_leaves_nothing(
    make: Callable[[StreamGateway], Any],
) -> None:
    (toy,) = config().protocols
    broken = ProtocolBinding("broken", toy.ports, toy.servers, make)
    subject = Engine(config(protocols=(broken,)), random=Random(1))
    talk = Talk(subject, now=1000.0)
    talk.client_sends(flags=SYN)
    shown = events(talk)
    assert shown[0] == "session.opened" and shown[-1] == "session.ended"
    assert {"inspector.failed", "inspector.slow"} & set(shown)
    (reset,) = talk.emitted()
    assert reset.flags & RST and reset.ack == 1001
    assert not subject.sessions and subject.next_timeout() is None
    assert not list(snapshot.pinholes(subject, 0.0))
    assert not list(snapshot.bindings(subject, 0.0))
    talk.client_sends(flags=SYN)
    assert "session.opened" in events(talk)


def test_what_is_no_inspector_at_all() -> None:
    (toy,) = config().protocols
    broken = ProtocolBinding("broken", toy.ports, toy.servers, cast(Any, lambda gateway: None))
    talk = Talk(Engine(config(protocols=(broken,)), random=Random(1)))
    talk.client_sends(flags=SYN)
    talk.handle(Timeout())
    assert "inspector.failed" in events(talk) and "session.ended" in events(talk)


@pytest.mark.parametrize("due", ["soon", float("nan"), [], failing(OvertimeError())], ids=shown)
def test_a_time_that_is_none(due: Any) -> None:
    def set_due(plugin: Plugin) -> Sequence[Effect]:
        plugin.due = (lambda: due(plugin)) if callable(due) else due
        return [Forward(3)]

    broken, other = pair(set_due)
    broken.client_sends(b"DO\n")
    assert broken.engine.next_timeout() == broken.now
    broken.handle(Timeout())
    assert_alone(broken, other, "inspector.slow" if callable(due) else "inspector.failed")


def test_a_failed_inspector_is_asked_nothing_more() -> None:
    """Each question might cost its whole time again."""
    asked: list[Plugin] = []

    def fail(plugin: Plugin) -> Any:
        asked.append(plugin)
        raise OvertimeError

    broken, _ = pair(fail)
    broken.client_sends(b"DO\n", flags=0x11)  # with a FIN
    broken.server_sends(b"DO\n")
    broken.handle(Timeout())
    assert len(asked) == 1


def test_the_watch_sees_every_question() -> None:
    watched: list[object] = []

    class Watching(Unwatched):
        def __call__(self, question: Callable[[], Any], size: int | None = None, /) -> Any:
            watched.append(question)
            return question()

    subject = engine(lambda _: [], watch=Watching())
    before = len(watched)
    conversation = Talk(subject).open()
    assert len(watched) > before, "how it is made"
    before = len(watched)
    conversation.client_sends(b"HELLO\n")
    assert len(watched) > before, "what it inspects"


@pytest.mark.parametrize("late", [0.0, 0.0123])
def test_a_late_answer_is_told(late: float) -> None:
    """And counts all the same."""

    class Slow(Unwatched):
        def __call__(self, question: Callable[[], Any], size: int | None = None, /) -> Any:
            self.late = late if size is not None else 0.0
            return question()

    conversation = Talk(engine(lambda _: [], watch=Slow())).open()
    conversation.client_sends(b"HELLO\n")
    assert conversation.reached_server() == b"HELLO\n"
    told = [command for command in conversation.of(Publish) if command.code == "inspector.late"]
    assert [command.detail for command in told] == ["plugin: 12.3 ms for 6 bytes"] * bool(late)


def test_questions_without_a_session() -> None:
    assert ask(unwatched, lambda: 5) == 5
    assert ask_time(unwatched, lambda: None) is None
    assert ask_time(unwatched, lambda: 2) == 2
    assert ask_time(unwatched, lambda: float("inf")) == float("inf")
    assert isinstance(ask(unwatched, lambda: 1 / 0), Fault)


# -- UDP ------------------------------------------------------------------------------------------


def network(**changes: Any) -> Network:
    return Network(Engine(datagram_config(**changes), random=Random(1)))


def codes(step: Exchanged) -> list[str]:
    return [publish.code for publish in step.of(Publish)]


class PhonePlugin(DatagramInspector):
    """Answers what its test wants answered."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        return self.answer() if callable(self.answer) else self.answer


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [None],
        [Forward(1)],
        [Abort("over TCP only")],
        [Send(Realm.OUTSIDE, WHERE, WHERE, cast(Any, "text"))],
        [Send(cast(Any, "outside"), WHERE, WHERE, b"")],
        [Send(Realm.OUTSIDE, cast(Any, PHONE), WHERE, b"")],
        [Send(Realm.OUTSIDE, WHERE, Endpoint(ip_address(SERVER), cast(Any, "4000")), b"")],
        [Send(Realm.OUTSIDE, WHERE, WHERE, b"", cast(Any, "1"))],
        [Hold(WHERE, float("nan"))],
        [Hold(WHERE, cast(Any, None))],
        [Release(cast(Any, None))],
        [Report("plugin.fine", cast(Any, b""))],
        [Admit(1, cast(Any, 1))],
        failing(SystemExit()),
    ],
    ids=shown,
)
def test_whatever_it_answers_to_a_datagram(answer: Any) -> None:
    (toy,) = datagram_config().protocols
    given = (lambda: answer(None)) if callable(answer) else answer
    plugin = ProtocolBinding(
        "plugin", toy.ports, toy.servers, datagram=lambda _: PhonePlugin(given)
    )
    lan = network(protocols=(plugin,), services=())
    step = lan.send(at(PHONE), at(PROXY), b"HELLO")
    assert codes(step) == ["session.opened", "inspector.failed", "session.ended"]
    assert step.left == []
    assert not lan.engine.datagrams.sessions


def test_the_time_of_datagram_inspectors_is_limited_too() -> None:
    (toy,) = datagram_config().protocols
    slow = ProtocolBinding("plugin", toy.ports, toy.servers, datagram=failing(OvertimeError()))
    lan = network(protocols=(slow,), services=())
    assert "inspector.slow" in codes(lan.send(at(PHONE), at(PROXY), b"HELLO"))
