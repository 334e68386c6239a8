"""Whatever comes: nothing raises, nothing opens by one side's word, nothing stays behind."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Realm
from ryu_alg.protocols.sip import SipOptions
from ryu_alg.protocols.sip.passages import TRANSACTION_LIFETIME
from tests.protocols.sip.gateway import HOST, endpoint
from tests.protocols.sip.messages import TORTURE_INVALID, TORTURE_VALID, request
from tests.protocols.sip.site import PROXY, Site
from tests.protocols.sip.ua import SDP_TYPE, respond, sdp

IN, OUT = Realm.INSIDE, Realm.OUTSIDE
METHODS = ["INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "PRACK", "REGISTER", "INFO", "REFER"]
BODIES = [
    b"",
    b"",
    sdp("192.168.10.2", 4000),
    sdp("192.168.10.2", 4100),
    sdp("192.168.10.2", 0),
    sdp("192.168.10.3", 4000),
    sdp("198.51.100.9", 7000),
    sdp("198.51.100.9", 7100, "a=inactive"),
    sdp("203.0.113.1", 32768),
    b"v=0\r\n",
    b"nonsense",
]
CONTACTS = ["<sip:alice@192.168.10.2>", "<sip:a@203.0.113.1:49152>;expires=0", "<sip:b@h>", "*"]
OPTIONS = [
    SipOptions(),
    SipOptions(calls_per_host=1, transactions_per_host=16, registrations_per_host=1),
    SipOptions(messages_per_second=3, rewrite_identity=True),
    SipOptions.model_validate({"media_servers": "192.168.10.0/24", "registrars": "198.51.100.7"}),
]

tags = st.sampled_from(["", ";tag=a1", ";tag=b1", ";tag=b2"])
requests = st.builds(
    lambda method, number, branch, sender, to, contact, body, via: request(
        method,
        "sip:x@203.0.113.1:49152",
        f"Contact: {contact}",
        *([SDP_TYPE] if body else []),
        via=f"SIP/2.0/UDP {via};branch=z9hG4bK-{branch}",
        sender=f"<sip:alice@example.com>{sender}",
        to=f"<sip:bob@example.com>{to}",
        cseq=number,
        body=body,
    ),
    st.sampled_from(METHODS),
    st.integers(1, 3),
    st.integers(1, 3),
    tags,
    tags,
    st.sampled_from(CONTACTS),
    st.sampled_from(BODIES),
    st.sampled_from(["192.168.10.2", "203.0.113.1:49152", "198.51.100.7", "h;rport"]),
)
responses = st.tuples(
    st.sampled_from([100, 180, 183, 200, 200, 200, 401, 481, 486, 603]),
    st.sampled_from(["a1", "b1", "b2"]),
    st.sampled_from(BODIES),
    st.booleans(),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(Realm), requests),
        st.tuples(st.sampled_from(Realm), responses),
        st.floats(0, 120),
    ),
    max_size=25,
)


def invitation(sender: str, body: bytes, host: str) -> bytes:
    via = f"SIP/2.0/UDP {host};branch=z9hG4bK-0"
    return request(
        "INVITE",
        "sip:x@203.0.113.1:49152",
        SDP_TYPE,
        via=via,
        sender=f"<sip:alice@example.com>;tag={sender}",
        to="<sip:bob@example.com>",
        body=body,
    )


OURS, THEIRS = sdp("192.168.10.2", 4000), sdp("198.51.100.9", 7000)
BEGINNINGS: list[list[object]] = [
    [],
    [(IN, invitation("a1", OURS, "192.168.10.2")), (OUT, (183, "b1", THEIRS, True))],
    [(IN, invitation("a1", OURS, "192.168.10.2")), (OUT, (200, "b1", THEIRS, True))],
    [(OUT, invitation("b1", THEIRS, "198.51.100.7")), (IN, (183, "a1", OURS, True))],
    [(OUT, invitation("b1", THEIRS, "198.51.100.7")), (IN, (200, "a1", OURS, True))],
]


@given(st.sampled_from(OPTIONS), st.sampled_from(BEGINNINGS), steps)
@settings(max_examples=400, deadline=None)
def test_nothing_stays_behind(
    options: SipOptions, beginning: list[object], script: list[object]
) -> None:
    site = Site(options)
    passed: dict[Realm, list[bytes]] = {IN: [], OUT: []}
    for step in beginning + script:
        match step:
            case float():
                site.sleep(step)
                continue
            case (Realm() as origin, bytes() as raw):
                pass
            case (Realm() as origin, (status, tag, body, last)):
                if not passed[origin]:
                    continue
                asked = passed[origin][-1 if last else 0]
                raw = respond(asked, status, "Expires: 90", tag=tag, body=body)
            case _:
                raise AssertionError(step)
        sends = site.inside(raw) if origin is IN else site.outside(raw)
        assert len(sends) <= 1
        for send in sends:
            if not send.payload.startswith(b"SIP/2.0"):
                passed[send.towards].append(send.payload)
        check(site)
    for binding in list(site.world.bindings):
        site.carry_out(site.inspector.binding_idle(binding))
    site.sleep(options.call_limit + options.ringing_limit + TRANSACTION_LIFETIME)
    assert site.remembers == 0
    assert site.world.bindings == {} and site.world.admitted == {}
    assert site.inspector.next_timeout() is None


def check(site: Site) -> None:
    """What holds at any time."""
    options, state = site.options, site.inspector.state
    assert len(state.calls.table) <= options.calls_per_host
    assert len(state.passages.table) <= options.transactions_per_host
    assert len(state.registrations.table) <= options.registrations_per_host
    owned = state.calls.table.values()
    for binding in site.world.bindings:
        assert sum(call.media.owns(binding) for call in owned) == 1
        assert (owner := state.calls.of_binding(binding)) is not None
        assert owner.media.owns(binding)
    assert state.calls.owners.keys() == site.world.bindings.keys()
    for _, remote in site.world.open():
        assert remote.address == endpoint("198.51.100.9", 1).address


@given(st.lists(st.tuples(st.sampled_from(Realm), st.binary(max_size=80)), max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_bytes(arrivals: list[tuple[Realm, bytes]]) -> None:
    site = Site()
    for origin, raw in arrivals:
        sends = site.inside(raw) if origin is IN else site.outside(raw)
        assert all(send.payload == raw for send in sends)
    assert site.remembers == 0


@given(st.lists(requests, max_size=20), st.sampled_from(Realm))
@settings(max_examples=200, deadline=None)
def test_one_side_alone_opens_nothing(script: list[bytes], origin: Realm) -> None:
    site = Site()
    for raw in script:
        if origin is IN:
            site.inside(raw)
        else:
            site.outside(raw)
    assert site.world.open() == set()
    if origin is OUT:
        assert site.world.bindings == {}


TORTURE = [*TORTURE_VALID.values(), *(raw for raw, _ in TORTURE_INVALID.values())]


@given(st.sampled_from(TORTURE), st.data(), st.sampled_from(Realm))
@settings(max_examples=300, deadline=None)
def test_mutated_messages(raw: bytes, data: st.DataObject, origin: Realm) -> None:
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(raw)))
        raw = raw[:at] + data.draw(st.binary(max_size=4)) + raw[at + data.draw(st.integers(0, 4)) :]
    site = Site()
    sends = site.inside(raw) if origin is IN else site.outside(raw)
    assert len(sends) <= 1
    for send in sends:
        assert send.inside.address == HOST
        assert send.remote.address == PROXY.address
