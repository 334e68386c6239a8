"""What a session costs while nothing happens to it, and what is left when it has gone."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import SessionUnwanted, Timeout
from ryu_alg.inspection import StreamGateway
from tests.engine import conversation, toy_datagrams
from tests.engine.conversation import Toy, talk
from tests.engine.toy_datagrams import Network


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing is freed but with the last reference to it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_tcp_session_that_is_over_leaves_nothing_for_the_collector() -> None:
    subject = talk()
    inspector = weakref.ref(subject.engine.sessions[1].inspector)
    subject.handle(SessionUnwanted(1))
    subject.now = 31.0
    subject.handle(Timeout())
    assert not subject.engine.sessions
    assert inspector() is None


@pytest.mark.usefixtures("uncollected")
def test_a_udp_session_that_is_over_leaves_nothing_for_the_collector() -> None:
    lan = Network(Engine(toy_datagrams.config(), random=Random(1)))
    lan.register()
    inspector = weakref.ref(lan.engine.datagrams.sessions[1].inspector)
    lan.handle(SessionUnwanted(1))
    assert not lan.engine.datagrams.sessions
    assert inspector() is None


class Counting(Toy):
    """It wants to be woken, and counts how often it is asked when."""

    asked = 0

    def next_timeout(self) -> float | None:
        """In an hour."""
        Counting.asked += 1
        return 3600.0


def _counting(gateway: StreamGateway) -> Toy:
    return Counting(gateway)


def test_an_inspector_is_asked_for_its_time_after_it_was_called_and_not_else() -> None:
    config = conversation.config()
    binding = replace(config.protocols[0], stream=_counting)
    subject = talk(Engine(replace(config, protocols=(binding,)), random=Random(1)))
    before = Counting.asked
    subject.client_sends()
    subject.client_sends()
    assert Counting.asked == before
    subject.client_sends(b"HELLO\n")
    assert Counting.asked == before + 1
    subject.server_sends()
    assert Counting.asked == before + 1
    assert subject.engine.sessions[1].next_timeout() == 3600.0
