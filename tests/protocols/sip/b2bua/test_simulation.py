"""Calls over bad networks: they come about, they end, and nothing is left of them."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocols.sip.b2bua.simulation import Agent, CallSeen, Network

BOB = "sip:bob@example.net"
SEEDS = range(25)


def caller_of(network: Network, outward: bool) -> tuple[Agent, Agent, str]:
    if outward:
        return network.alice, network.bob, BOB
    return network.bob, network.alice, f"sip:alice@{network.public}"


@pytest.mark.parametrize("outward", [True, False], ids=["outward", "inward"])
@pytest.mark.parametrize("by_caller", [True, False], ids=["by-caller", "by-called"])
@pytest.mark.parametrize("loss", [0.0, 0.2], ids=["lossless", "lossy"])
def test_calls_come_about_and_end(outward: bool, by_caller: bool, loss: float) -> None:
    for seed in SEEDS:
        network = Network(seed, loss)
        caller, called, target = caller_of(network, outward)
        seen = caller.call(target)
        network.run(until=network.world.now + 30)
        assert seen.state == "up", (seed, seen.final, network.codes())
        assert [call.state for call in called.calls] == ["up"], seed
        assert len(network.world.open()) == 2
        if by_caller:
            caller.hang_up(seen)
        else:
            called.hang_up(called.calls[0])
        network.run(until=network.world.now + 40)
        assert not network.world.bindings, seed
        network.finish()
        assert [seen.state, called.calls[0].state] == ["ended", "ended"], seed


@pytest.mark.parametrize("outward", [True, False], ids=["outward", "inward"])
@pytest.mark.parametrize("after", [0.0, 0.02, 0.5, 0.98, 1.0, 1.02, 1.04, 1.06, 1.5])
def test_a_cancel_at_any_moment_leaves_no_half_of_a_call(outward: bool, after: float) -> None:
    for seed in range(8):
        network = Network(seed, 0.2 if seed else 0.0)
        caller, called, target = caller_of(network, outward)
        seen = caller.call(target)
        network.after(after, partial(caller.cancel, seen))
        network.run(until=network.world.now + 140)
        assert seen.state in ("failed", "ended", "up")
        if seen.state == "up":
            # It was accepted before it was cancelled.
            caller.hang_up(seen)
            network.run(until=network.world.now + 80)
        assert [call.state for call in called.calls if call.state == "up"] == []
        network.finish()


def test_both_offer_at_once() -> None:
    for seed in SEEDS:
        network = Network(seed, 0.2)
        seen = network.alice.call(BOB)
        network.run(until=network.world.now + 30)
        assert seen.state == "up"
        network.alice.offer_again(seen)
        network.bob.offer_again(network.bob.calls[0])
        network.run(until=network.world.now + 40)
        assert seen.state == "up", network.codes()
        assert len(network.world.open()) == 2
        network.alice.hang_up(seen)
        network.finish()


@pytest.mark.parametrize("outward", [True, False], ids=["outward", "inward"])
@pytest.mark.parametrize("after", [0.0, 0.015, 0.5, 1.005, 1.03, 1.06, 5.0])
def test_when_the_called_is_gone_the_caller_is_told(outward: bool, after: float) -> None:
    network = Network()
    caller, called, target = caller_of(network, outward)
    seen = caller.call(target)
    network.after(after, called.go)
    network.run(until=network.world.now + 20)
    if seen.state == "up":
        caller.hang_up(seen)
    network.finish()
    assert seen.state in ("failed", "ended")


@pytest.mark.parametrize("outward", [True, False], ids=["outward", "inward"])
@pytest.mark.parametrize("after", [0.015, 0.5, 1.005, 1.03, 1.06])
def test_when_the_caller_is_gone_the_called_is_hung_up(outward: bool, after: float) -> None:
    network = Network()
    caller, called, target = caller_of(network, outward)
    caller.call(target)
    network.after(after, caller.go)
    network.finish()
    assert all(call.state in ("ended", "failed") for call in called.calls)


Step = tuple[float, bool, str]


def act(network: Network, agent: Agent, what: str) -> None:
    alive: list[CallSeen] = [call for call in agent.calls if call.state in ("setup", "up")]
    match what:
        case "call":
            agent.call(caller_of(network, agent is network.alice)[2])
        case "hang up" if alive:
            agent.hang_up(alive[0])
        case "cancel" if alive:
            agent.cancel(alive[-1])
        case "offer" if alive:
            agent.offer_again(alive[0])
        case "gone":
            agent.go()
        case "back":
            agent.deaf = False


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.2, 0.5]),
    steps=st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.01, 0.3, 1.0, 1.02, 4.0, 35.0]),
            st.booleans(),
            st.sampled_from(["call", "call", "hang up", "cancel", "offer", "gone", "back"]),
        ),
        max_size=12,
    ),
)
def test_whatever_happens_nothing_is_left(seed: int, loss: float, steps: list[Step]) -> None:
    network = Network(seed, loss)
    for pause, inside, what in steps:
        network.run(until=network.world.now + pause)
        act(network, network.alice if inside else network.bob, what)
    network.finish()
