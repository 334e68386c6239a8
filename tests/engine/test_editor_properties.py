"""Whatever the network does and whatever the inspector wants, both ends read what they should.

Each test is one property over random conversations (see editor_harness). More of them:
`pytest --editor-examples 5000 tests/engine/test_editor_properties.py`, per test.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryu_alg.engine.editor import EditorLimits
from tests.engine.channel import Weather
from tests.engine.editor_harness import Party, Rule, Scenario, converse
from tests.engine.tcp_model import MODULUS, Profile

EXAMPLES = int(os.environ.get("EDITOR_EXAMPLES", "130"))
"""Per test; set by the option --editor-examples."""

pytestmark = pytest.mark.timeout(0 if EXAMPLES > 1000 else 300)

conversations = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)

# Near the end of the sequence space in half of the cases, so that numbers wrap on the way.
initial = st.one_of(
    st.integers(0, MODULUS - 1), st.integers(1, 3000).map(lambda before: MODULUS - before)
)

OTHER_OPTIONS = (
    b"",
    bytes.fromhex("0402080a0000000100000000"),  # SACK permitted, timestamps
    bytes.fromhex("2202"),  # TFO cookie request
    bytes.fromhex("1e0c0081000102030405060708"[:24]),  # MP_CAPABLE
    bytes.fromhex("04021303ff"),  # SACK permitted, and a kind that nobody knows
)


def percent(most: int) -> st.SearchStrategy[int]:
    """Often none at all."""
    return st.one_of(st.just(0), st.integers(1, most))


@st.composite
def profiles(draw: st.DrawFn, *, roomy: bool, most_scale: int) -> Profile:
    scale = draw(st.sampled_from((0, None, 2, most_scale)))
    small = [] if roomy else [8000, 3000] if scale else [3000, 700, 120]
    return Profile(
        isn=draw(initial),
        mss=draw(st.sampled_from((1460, 536, 100, None))),
        window_scale=scale,
        other_options=draw(st.sampled_from(OTHER_OPTIONS)),
        buffer=draw(st.sampled_from([65535, *small])),
        nagle=draw(st.booleans()),
        delayed_ack=draw(st.sampled_from((0.0, 0.04))),
        byte_probes=draw(st.booleans()),
        keepalive=draw(st.sampled_from((None, None, 0.7))),
        # Longer than the network may lose what they are about: or else it is the network that ends
        # the conversation, as it could without anybody between the ends.
        keepalive_tries=100,
        time_wait=240.0,
        syn_payload=draw(st.sampled_from((b"", b"", b"early"))),
    )


@st.composite
def parties(draw: st.DrawFn, *, roomy: bool, most_scale: int) -> Party:
    most = draw(st.sampled_from((300, 2000)))
    return Party(
        profile=draw(profiles(roomy=roomy, most_scale=most_scale)),
        size=draw(st.integers(0, most)),
        chunk=draw(st.sampled_from((200, 20))) if most > 300 else draw(st.integers(1, 10)),
        pause=draw(st.sampled_from((0.0, 0.01, 0.2))),
        close_after_eof=draw(st.booleans()),
        pace=None if roomy else draw(st.sampled_from((None, None, (0.05, 50), (0.3, 400)))),
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    return Rule(
        seed=draw(st.integers(0, 1 << 16)),
        lines=draw(st.booleans()),
        longest=draw(st.sampled_from((40, 1, 8, 200))),
        edit=draw(percent(100)),
        inject=draw(percent(30)),
        hold=draw(percent(20)),
        gate=draw(percent(10)),
    )


@st.composite
def weathers(draw: st.DrawFn) -> Weather:
    return Weather(
        delay=0.01,
        jitter=draw(st.sampled_from((0.0, 0.005, 0.05))),
        drop=draw(percent(30)),
        repeat=draw(percent(20)),
        repeat_after=draw(st.sampled_from((0.0, 0.3))),
        split=draw(percent(50)),
        merge=draw(percent(50)),
        overlap=draw(percent(50)),
    )


@st.composite
def editor_limits(draw: st.DrawFn) -> EditorLimits:
    if draw(st.booleans()):
        return EditorLimits()
    return EditorLimits(
        out_of_order=draw(st.sampled_from((1, 200, 1000))),
        out_of_order_segments=draw(st.sampled_from((1, 3, 64))),
        # The longest message and one unit of the scaled window have to fit in.
        undecided=draw(st.sampled_from((210, 600))),
        backlog=draw(st.sampled_from((300, 2000))),
    )


@st.composite
def scenarios(draw: st.DrawFn, **fixed: Any) -> Scenario:
    roomy = fixed.get("forged", 0) and not fixed.get("blind", False)
    limits = fixed.pop("limits", None) or draw(editor_limits())
    party = parties(roomy=roomy, most_scale=7 if limits.undecided > 1000 else 2)
    client, server = draw(party), draw(party)
    one_sided = draw(st.booleans())
    if client.close_after_eof and server.close_after_eof:
        server = replace(server, close_after_eof=False)
    return Scenario(
        seed=draw(st.integers(0, 1 << 16)),
        client=client,
        server=server,
        **{
            "rule": draw(rules()),
            "weather": draw(weathers()),
            "weather_after": Weather() if one_sided else draw(weathers()),
            "probe_every": draw(st.sampled_from((None, None, 0.3))),
            **fixed,
        },
        limits=limits,
    )


# The same property several times over, so that workers can share the work.
@pytest.mark.parametrize("part", range(8))
@conversations
@given(data=st.data())
def test_both_ends_read_what_was_decided(part: int, data: st.DataObject) -> None:
    converse(data.draw(scenarios()))


@pytest.mark.parametrize("part", range(2))
@conversations
@given(data=st.data())
def test_nothing_changes_when_nothing_is_edited(part: int, data: st.DataObject) -> None:
    run = converse(data.draw(scenarios(rule=Rule())))
    assert run.client.received == run.network.server.written
    assert run.server.received == run.network.client.written


@pytest.mark.parametrize("part", range(2))
@conversations
@given(data=st.data())
def test_the_first_copy_wins_where_copies_differ(part: int, data: st.DataObject) -> None:
    limits = EditorLimits(out_of_order_segments=10_000)
    converse(data.draw(scenarios(forged=30, limits=limits)))


@pytest.mark.parametrize("part", range(2))
@conversations
@given(data=st.data())
def test_blind_forgeries_change_nothing(part: int, data: st.DataObject) -> None:
    converse(data.draw(scenarios(forged=30, blind=True)))


@pytest.mark.parametrize("part", range(2))
@conversations
@given(data=st.data())
def test_a_reset_at_any_time_ends_both_sides(part: int, data: st.DataObject) -> None:
    """On links that lose nothing: a lost RST is sent again only when something provokes it."""
    who = data.draw(st.sampled_from(("client", "server", "editor")))
    when = data.draw(st.floats(0.0, 3.0))
    weather = Weather(
        jitter=data.draw(st.sampled_from((0.0, 0.03))),
        split=data.draw(percent(50)),
        repeat=data.draw(percent(20)),
    )
    converse(
        data.draw(scenarios(weather=weather, weather_after=weather, broken=(who, when))),
    )
