"""rest.lines: one line per item, and nothing from the network reaches the terminal raw."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.rest import views
from ryu_alg.rest.lines import flat, line, plain
from tests.rest.model import Model, binding, listening


def test_a_session() -> None:
    item = views.session(Model().all_sessions[1], 1_800_000_060.0)
    assert line("sessions", item) == (
        "ftp      tcp inspected id=1 client=192.168.10.2:40001 client_seen=203.0.113.1:49153 "
        "server=198.51.100.2:21 server_seen=198.51.100.2:21 user=alice "
        "since=2027-01-15T08:00:00.000Z idle=1.5 to_server_bytes=120 to_client_bytes=480 "
        "to_server_shift=3 to_client_shift=-2 pinholes=10 data_packets=7 data_bytes=7000"
    )


def test_a_pinhole() -> None:
    item = views.pinhole(Model().all_pinholes[0], 1_800_000_002.0)
    assert line("pinholes", item) == (
        "ftp      tcp open    id=10 session=1 realm=outside peers=198.51.100.2/32 "
        "seen=203.0.113.1:33000 listener=192.168.10.2:50000 remote=- binding=- "
        "since=2027-01-15T08:00:00.000Z expires_in=28.0"
    )


def test_bindings() -> None:
    items = [
        views.binding(view, 1_800_000_060.0)
        for view in (binding(49153, 1), *listening(40311, session=7))
    ]
    since = "since=2027-01-15T08:00:00.000Z"
    tail = f"listener=12 {since}"
    public = "public=203.0.113.1"
    assert [line("bindings", item) for item in items] == [
        f"tcp control   inside=192.168.10.2:40001 {public}:49153 session=1 listener=- {since}",
        f"tcp listening inside=192.168.10.2:6881 public=203.0.113.1:40311 session=7 {tail}",
        f"udp listening inside=192.168.10.2:6881 public=203.0.113.1:40311 session=7 {tail}",
    ]


def test_values() -> None:
    assert plain(None) == plain([]) == "-"
    assert plain("") == '""'
    assert plain(True) == "yes"
    assert plain(["a", "b c"]) == 'a,"b c"'
    assert plain("\x1b[2J\x7f\x9b") == '"\\u001b[2J\\u007f\\u009b"'


@given(st.text())
def test_every_value_is_one_plain_word(text: str) -> None:
    written = plain(text)
    assert written.isprintable()
    assert written.isascii()
    assert " " not in written or written.startswith('"')


def test_flat() -> None:
    assert list(flat({"a": 1, "b": {"c": False, "d": {"e": "x"}}})) == ["a=1", "b.c=no", "b.d.e=x"]
