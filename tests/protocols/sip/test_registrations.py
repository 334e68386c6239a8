"""What an inside host has registered, and how long its endpoints are held for that."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Endpoint, Hold
from ryu_alg.inspection.expiring import Expiring
from ryu_alg.protocols.sip.message import Message, parse
from ryu_alg.protocols.sip.registrations import Asked, Contact, Registrations
from tests.protocols.sip.gateway import HOST, endpoint
from tests.protocols.sip.messages import request
from tests.protocols.sip.ua import respond

PUBLIC = endpoint("203.0.113.1", 49152)
FLOW = (endpoint(HOST, 5060), endpoint("198.51.100.7", 5060))


def granted() -> Message:
    """A 200 that lists nothing, and so grants what was asked for."""
    message = parse(respond(request("REGISTER", "sip:h"), 200))
    assert isinstance(message, Message)
    return message


RESPONSE = granted()


def ask(registrations: Registrations, asked: Asked, now: float) -> dict[Endpoint, float]:
    return {hold.inside: hold.until for hold in registrations.granted(asked, RESPONSE, now)}


def asked(record: int, port: int, user: bytes | None, expires: int, *, removes: bool) -> Asked:
    contact = Contact(endpoint(HOST, port), PUBLIC, user, expires)
    return Asked(b"sip:%d@h" % record, () if removes else (contact,), FLOW, removes)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(5060, 5062),
            st.sampled_from((None, b"a", b"b")),
            st.sampled_from((0, 30, 60, 60, 3600)),
            st.sampled_from((0.0, 0.0, 1.0, 45.0)),
            st.integers(0, 9),
        ),
        max_size=100,
    )
)
def test_an_endpoint_is_held_as_long_as_looking_at_all_of_them_says(
    script: list[tuple[int, int, bytes | None, int, float, int]],
) -> None:
    registrations, now = Registrations(Expiring(100)), 1000.0
    for record, port, user, expires, later, chance in script:
        now += later
        if chance == 0:
            registrations.expired(now)
        before = {key[1] for key in registrations.table if key[0] == b"sip:%d@h" % record}
        what = asked(record, port, user, expires, removes=chance == 1)
        held = ask(registrations, what, now)
        table = registrations.table
        assert held.keys() == (before if chance == 1 else {endpoint(HOST, port)})
        for inside, until in held.items():
            times = [table.until(key) or now for key in table if key[1] == inside]
            assert until == max(times, default=now)
        live = {key[1] for key in table}
        assert live <= registrations._grants.keys()
        assert all(len(each.entries) <= each.room for each in registrations._grants.values())
    registrations.expired(now + 1e6)
    assert not registrations._grants


def test_what_is_registered_again_and_again_takes_no_more_room() -> None:
    registrations = Registrations(Expiring(100))
    for now in range(1000):
        held = ask(registrations, asked(1, 5060, b"a", 60, removes=False), float(now))
        assert held == {endpoint(HOST, 5060): now + 60.0}
    (grants,) = registrations._grants.values()
    assert len(grants.entries) <= 66
    assert isinstance(
        registrations.granted(asked(1, 5060, b"a", 0, removes=False), RESPONSE, 0.0)[0], Hold
    )
    assert not registrations._grants
