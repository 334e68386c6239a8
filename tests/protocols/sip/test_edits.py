"""Changes of a message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.protocols.sip.edits import Edits
from ryu_alg.protocols.sip.message import Message, parse
from tests.protocols.sip.messages import request


def edits(raw: bytes) -> Edits:
    found = parse(raw)
    assert isinstance(found, Message)
    return Edits(found)


def test_replacements_leave_the_rest_alone() -> None:
    raw = request("INVITE", "sip:b@h", "Contact: <sip:alice@192.168.10.2>", body=b"hello")
    changed = edits(raw)
    contact = changed.message.addresses[b"contact"][0].uri.where
    assert contact is not None
    changed.replace(contact.span, b"203.0.113.1:49152")
    changed.replace(changed.message.vias[0].sent_by.span, b"203.0.113.1:49152")

    assert changed.result() == raw.replace(b"192.168.10.2:5060", b"203.0.113.1:49152").replace(
        b"alice@192.168.10.2", b"alice@203.0.113.1:49152"
    )


def test_what_is_the_same_is_no_change() -> None:
    changed = edits(request(body=b"hello"))
    changed.replace(changed.message.vias[0].sent_by.span, b"192.168.10.2:5060")
    changed.replace_body(b"hello")
    assert not changed.changed


@given(st.binary(max_size=300))
def test_the_length_follows_the_body(body: bytes) -> None:
    raw = request("MESSAGE", body=b"hello").replace(b"Content-Length", b"l")
    changed = edits(raw)
    changed.replace_body(body)
    result = changed.result()

    again = parse(result)
    assert isinstance(again, Message)
    assert again.body == body
    assert again.raw == result
    assert result.startswith(raw[: raw.index(b"l: 5")])


def test_no_length_stays_no_length() -> None:
    changed = edits(request("MESSAGE").replace(b"Content-Length: 0\r\n", b"") + b"hello")
    changed.replace_body(b"good bye")
    assert changed.result().endswith(b"\r\n\r\ngood bye")
    assert b"Content-Length" not in changed.result()


def test_overlaps() -> None:
    changed = edits(request())
    start, end = changed.message.vias[0].span
    changed.replace((start + 1, end), b"never")
    changed.replace((start, end), b"SIP/2.0/UDP i")
    assert changed.result().startswith(
        b"OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP i\r\n"
    )
