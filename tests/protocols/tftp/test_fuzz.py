"""Whatever comes: nothing raises, nothing opens but for a request that passed, nothing grows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.engine.commands import OpenMedia, Publish
from ryu_alg.engine.events import BarrierDone, DataCounted
from ryu_alg.inspection import Endpoint
from ryu_alg.protocols.tftp import Request, read_request
from tests.engine.toy_datagrams import Network, at
from tests.protocols.tftp.site import (
    CLIENT,
    INSIDE_SERVER,
    OTHER_SERVER,
    OUTSIDE_CLIENT,
    PUBLISHED,
    SERVER,
    request,
    site,
)

REAL = [
    request(name="file"),
    request("tsize", "0", "blksize", "512", "timeout", "6", name="/pxelinux.0"),
    request("blksize", "8192", "tsize", "300000", "windowsize", "4", write=True, name="up"),
    b"\0\3\0\1" + bytes(512),
    b"\0\4\0\1",
    b"\0\5\0\1File not found\0",
    b"\0\6blksize\0008192\0tsize\000300000\0",
]
TRANSFERS = 3
OPTIONS = [
    {"transfers_per_host": TRANSFERS},
    {
        "transfers_per_host": TRANSFERS,
        "upload_limit": 1000,
        "rules": [{"action": "deny", "files": "*.0"}],
    },
]


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """Real packets, some of them mutated."""
    payload = bytearray(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(payload)))
        end = min(len(payload), start + draw(st.integers(0, 4)))
        payload[start:end] = draw(st.one_of(st.binary(max_size=4), st.just(b"\0")))
    return bytes(payload)


WAYS = [
    *((CLIENT, SERVER), (CLIENT, OTHER_SERVER), (OUTSIDE_CLIENT, PUBLISHED)),
    *((INSIDE_SERVER, OUTSIDE_CLIENT), (SERVER, PUBLISHED), (at("198.51.100.9", 53), PUBLISHED)),
    *((Endpoint(CLIENT.address, port), SERVER) for port in range(4001, 4006)),
    *((Endpoint(OUTSIDE_CLIENT.address, port), PUBLISHED) for port in range(5001, 5006)),
]
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(WAYS), payloads()),
        st.sampled_from(["confirm", "idle"]),
    ),
    max_size=40,
)


def _done(net: Network, what: str) -> None:
    if what == "confirm" and net.barriers:
        net.handle(BarrierDone(net.barriers.pop(0)))
    elif what == "idle" and net.engine.tables.marks.live:
        net.now += 31.0
        net.handle(DataCounted(next(iter(net.engine.tables.marks.live)), 0, 0, idle=True))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(OPTIONS), steps)
def test_nothing_opens_but_for_a_request_that_passed(
    options: dict[str, object], todo: list
) -> None:
    net = site(options)
    for it in todo:
        if isinstance(it, str):
            _done(net, it)
            continue
        (source, target), payload = it
        step = net.send(source, target, payload)
        events = [publish.code for publish in step.of(Publish)]
        assert "inspector.failed" not in events
        if step.of(OpenMedia):
            assert isinstance(read_request(payload), Request)
            assert "tftp.request" in events
            for opened in step.of(OpenMedia):
                for path in opened.paths:
                    wire = {path.inside.address, path.remote.address}
                    assert wire <= {source.address, target.address, INSIDE_SERVER.address}
                    assert path.remote in (source, target)
        for host in net.engine.datagrams.sessions.values():
            assert len(host.inspector.transfers) <= TRANSFERS
            bound = {transfer.binding for transfer in host.inspector.transfers.values()}
            assert bound == set(host.held)


@settings(max_examples=200, deadline=None)
@given(payloads())
def test_what_passes_leaves_as_it_came(payload: bytes) -> None:
    net = site()
    step = net.send(CLIENT, SERVER, payload)
    left = [*step.left, *(net.confirm().left if net.barriers else [])]
    for _, target, data in left:
        assert data == payload if target == SERVER else data[:2] == b"\0\5"
