"""Messages are read in place, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.protocols.sip.edits import Edits
from ryu_alg.protocols.sip.message import Malformed, Message, is_start_line, parse
from tests.protocols.sip.messages import TORTURE_INVALID, TORTURE_VALID, message, request

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "sip-rfc4475"
REFUSED = {
    "badinv01", "badvers", "baddn", "bigcode", "clerr", "insuf", "longreq", "ltgtruri", "lwsruri",
    "lwsstart", "mcl01", "mismatch01", "mismatch02", "multi01", "ncl", "quotbal", "regbadct",
    "scalar02", "scalarlg", "trws",
}  # fmt: skip
"""What RFC 4475 section 3.1.2 lets an element refuse, and section 3.3 where it must be; `longreq`
has 34 hops, more than may be here."""


def read(raw: bytes) -> Message:
    found = parse(raw)
    assert isinstance(found, Message), found
    return found


@pytest.mark.parametrize("raw", TORTURE_VALID.values(), ids=TORTURE_VALID)
def test_odd_messages_pass_as_they_are(raw: bytes) -> None:
    assert Edits(read(raw)).result() == raw.lstrip(b"\r\n")


@pytest.mark.parametrize(("raw", "expected"), TORTURE_INVALID.values(), ids=TORTURE_INVALID)
def test_bad_requests_are_answered(raw: bytes, expected: tuple[int, str]) -> None:
    found = parse(raw)

    assert isinstance(found, Malformed)
    assert (found.status, found.fault.name) == expected
    assert found.request is not None


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.dat")), ids=lambda path: path.stem)
def test_the_torture_messages_themselves(path: Path) -> None:
    raw = path.read_bytes()
    found = parse(raw)

    assert isinstance(found, Malformed) == (path.stem in REFUSED)
    if isinstance(found, Message):
        assert raw.startswith(Edits(found).result())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
        request().replace(b"From:", b"X-From:"),
        request().replace(b"Via:", b"X-Via:"),
        request().replace(b"OPTIONS", b"ACK").replace(b"Length: 0", b"Length: 7"),
        b"SIP/2.0 4294967301 better not break\r\n" + request().split(b"\r\n", 1)[1],
        message("SIP/2.0 200 OK", ["Via: SIP/2.0/UDP h", "From: <sip:a@h>", "CSeq: 1 BYE"]),
    ],
)
def test_what_cannot_be_answered(raw: bytes) -> None:
    found = parse(raw)
    assert isinstance(found, Malformed)
    assert found.request is None


def test_what_a_request_says() -> None:
    found = read(
        request(
            "INVITE", "sip:bob@192.0.2.1", "m: <sip:alice@192.168.10.2>", "x: 1800;refresher=uac"
        )
    )

    assert found.is_request and found.method == "INVITE" and found.status == 0
    assert found.call_id == b"c1@192.168.10.2"
    assert (found.cseq.number, found.cseq.method) == (1, "INVITE")
    assert (found.from_tag, found.to_tag) == (b"a1", None)
    assert found.branch == b"z9hG4bK-a7c1"
    assert found.value(b"contact") == b"<sip:alice@192.168.10.2>"
    assert found.number(b"session-expires") == 1800
    assert found.number(b"expires") is None


def test_what_a_response_says() -> None:
    raw = b"SIP/2.0 180 Ringing\r\n" + request(to="<sip:b@h>;tag=b1").split(b"\r\n", 1)[1]
    found = read(raw)

    assert not found.is_request
    assert (found.status, found.method, found.to_tag) == (180, "OPTIONS", b"b1")


def test_the_star_of_a_contact() -> None:
    assert read(request("REGISTER", "sip:h", "Contact: *")).contact_is_star
    assert not read(request("REGISTER", "sip:h")).contact_is_star
    assert isinstance(parse(request("REGISTER", "sip:h", "Contact: *", "m: <sip:a@h>")), Malformed)


def test_surplus_bytes_are_no_part_of_it() -> None:
    raw = request("MESSAGE", body=b"hello")
    assert read(raw + b"INVITE sip:x SIP/2.0\r\n\r\n").raw == raw


def test_without_a_length_the_body_is_all_there_is() -> None:
    raw = request("MESSAGE").replace(b"Content-Length: 0\r\n", b"") + b"hello"
    assert read(raw).body == b"hello"


def test_a_header_that_only_informs_may_be_unreadable() -> None:
    raw = request("INVITE", "sip:b@h", "Diversion: ;;;", "Reply-To: <sip:a@192.168.10.2>")
    found = read(raw)
    assert b"diversion" not in found.addresses
    assert len(found.addresses[b"reply-to"]) == 1


def test_too_many_hops() -> None:
    many = ", ".join(["SIP/2.0/UDP h"] * 71)
    assert isinstance(parse(request(via=many)), Malformed)


def test_too_long() -> None:
    found = parse(request("OPTIONS", "sip:b@h", "Subject: " + "x" * 9000))
    assert isinstance(found, Malformed)
    assert found.status == 513


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"INVITE sip:b@h SIP/2.0", True),
        (b"SIP/2.0 200 OK", True),
        (b"SIP/2.0 200", True),
        (b"INVITE sip:b@h SIP/7.0", True),
        (b"INVITE  <sip:b@h>  SIP/2.0 ", True),
        (b"POST / HTTP/1.1", False),
        (b"SIP/2.0 2000 OK", False),
        (b"", False),
    ],
)
def test_start_lines(line: bytes, expected: bool) -> None:
    assert is_start_line(line) == expected


# --- Whatever comes ---------------------------------------------------------------------------

WHOLE = [*TORTURE_VALID.values(), *(raw for raw, _ in TORTURE_INVALID.values())]


@given(st.sampled_from(WHOLE), st.data())
def test_mutations_are_read_or_refused(raw: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        length = data.draw(st.integers(0, 8))
        raw = raw[:at] + data.draw(st.binary(max_size=6)) + raw[at + length :]
    found = parse(raw)
    if isinstance(found, Message):
        assert raw.lstrip(b"\r\n").startswith(Edits(found).result())


names = st.sampled_from(
    ["Contact", "m", "Route", "Record-Route", "Subject", "X-Any", "r", "P-Asserted-Identity"]
)
values = st.sampled_from(
    ["<sip:a@192.0.2.1:5070;lr>;q=0.5", '"A, B" <sip:[2001:db8::1]>', "sip:c@h;x=y", "<tel:+1>"]
)


@given(
    st.lists(st.tuples(names, st.lists(values, min_size=1, max_size=3)), max_size=8),
    st.binary(max_size=40),
    st.sampled_from(["\r\n", "\n"]),
)
def test_any_message_is_read_as_it_was_written(
    fields: list[tuple[str, list[str]]], body: bytes, end: str
) -> None:
    extra = [f"{name}: {', '.join(listed)}" for name, listed in fields]
    raw = request("INVITE", "sip:bob@192.0.2.1", *extra, body=body)
    head, _, _ = raw.partition(b"\r\n\r\n")
    raw = (head + b"\r\n\r\n").replace(b"\r\n", end.encode()) + body
    found = read(raw)

    assert Edits(found).result() == raw
    assert found.body == body
