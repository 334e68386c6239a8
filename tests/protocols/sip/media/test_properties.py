"""Whatever is said, in whatever order: nothing raises, nothing foreign opens, nothing stays."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Realm, Report
from ryu_alg.protocols.sip.media import Refused
from tests.protocols.sip.gateway import HOST, PUBLIC, World
from tests.protocols.sip.media.talk import REMOTE, Talk

ADDRESSES = [
    str(HOST),
    str(PUBLIC),
    REMOTE,
    "198.51.100.8",
    "192.168.10.3",
    "0.0.0.0",
    "127.0.0.1",
    "233.252.0.1",
    "a.example",
]
PORTS = ["0", "9", "22", "4000", "4001", "5000", "32768", "32770", "65535"]

address = st.sampled_from(ADDRESSES)
port = st.sampled_from(PORTS)
line = st.one_of(
    st.builds("c=IN IP4 {}".format, address),
    st.builds("m=audio {} RTP/AVP 0".format, port),
    st.builds("m=video {}/2 RTP/SAVPF 96".format, port),
    st.builds("m=image {} udptl t38".format, port),
    st.builds("m=message {} TCP/MSRP *".format, port),
    st.builds("m=application {} TCP/BFCP *".format, port),
    st.builds("m=x {} SCTP y".format, port),
    st.builds("a=rtcp:{}".format, port),
    st.builds("a=rtcp:{} IN IP4 {}".format, port, address),
    st.builds("a=path:msrp://{}:{}/s;tcp".format, address, port),
    st.builds("a=candidate:1 1 UDP 9 {} {} typ host".format, address, port),
    st.builds("a=candidate:1 2 UDP 9 {0} {1} typ srflx raddr {0} rport {1}".format, address, port),
    st.builds("a=remote-candidates:1 {} {}".format, address, port),
    st.sampled_from(
        [
            "a=rtcp-mux",
            "a=rtcp-mux-only",
            "a=mid:a",
            "a=mid:b",
            "a=group:BUNDLE a b",
            "a=bundle-only",
            "a=inactive",
            "a=sendonly",
            "a=setup:active",
            "a=setup:passive",
            "a=setup:actpass",
            "a=x",
            "nonsense",
        ]
    ),
)
GOOD = [
    (f"c=IN IP4 {who}", f"m=audio {number} RTP/AVP 0", *more)
    for who in (str(HOST), REMOTE)
    for number in ("4000", "5000")
    for more in ((), ("a=inactive",), ("m=message 2855 TCP/MSRP *", "a=setup:passive"))
]
body = st.one_of(st.sampled_from(GOOD), st.lists(line, max_size=12)).map(
    lambda lines: "".join(f"{line}\r\n" for line in ("v=0", *lines)).encode()
)
leg = st.sampled_from([b"", b"one", b"two"])
origin = st.sampled_from(Realm)
said = st.tuples(st.just("say"), origin, body, leg, st.booleans())
done = st.tuples(st.sampled_from(["failed", "winner", "leg_failed", "close"]), origin, leg)
events = st.lists(said | done, max_size=24)


def play(talk: Talk, event: tuple) -> None:  # type: ignore[type-arg]
    match event:
        case "say", who, text, branch, answer:
            take = talk.media.from_inside if who is Realm.INSIDE else talk.media.from_outside
            outcome = take(text, branch, answer=answer)
            talk.do(outcome.effects)
            if not isinstance(outcome, Refused) and not answer:
                # Said again, before anything else: the same, and nothing more than Reports.
                again = take(text, branch, answer=answer)
                assert not isinstance(again, Refused)
                assert again.body == outcome.body
                assert all(isinstance(effect, Report) for effect in again.effects)
        case "failed", who, branch:
            talk.do(talk.media.offer_failed(who, branch))
        case "winner", _, branch:
            talk.do(talk.media.winner(branch))
        case "leg_failed", _, branch:
            talk.do(talk.media.leg_failed(branch))
        case _:
            talk.do(talk.media.close())


@given(events)
@settings(max_examples=300, deadline=None)
def test_any_order(script: list[tuple]) -> None:  # type: ignore[type-arg]
    talk = Talk()
    for event in script:
        play(talk, event)
        for inside, remote in talk.world.open():
            assert inside.address == HOST
            assert remote.address not in talk.world.inside[0] and remote.address != PUBLIC
            assert not remote.address.is_loopback and not remote.address.is_multicast
    talk.close()


@given(body)
@settings(max_examples=200, deadline=None)
def test_no_inside_address_leaves(text: bytes) -> None:
    talk = Talk()
    outcome = talk.media.from_inside(text, b"", answer=False)
    if not isinstance(outcome, Refused):
        # What it repeats of what the other side said is not the inside's.
        lines = outcome.body.split(b"\r\n")
        own = [line for line in lines if not line.startswith(b"a=remote-candidates")]
        assert not [line for line in own if b"192.168.10." in line]


@given(st.lists(line, max_size=12))
@settings(max_examples=200, deadline=None)
def test_without_nat_nothing_changes(lines: list[str]) -> None:
    world = World(public={})
    text = "".join(f"{line}\r\n" for line in ("v=0", *lines)).encode()
    outcome = Talk(world).media.from_inside(text, b"", answer=False)
    assert isinstance(outcome, Refused) or outcome.body == text


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"v=0\r\n", b"v=0\r\nm=audio 4000 RTP/AVP 0"])
)
def test_any_bytes(tail: bytes, head: bytes) -> None:
    talk = Talk()
    for take in (talk.media.from_inside, talk.media.from_outside):
        talk.do(take(head + tail, b"", answer=False).effects)
    talk.close()
