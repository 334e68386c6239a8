"""What a replay shows: one entry for each thing that happened, as text or as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ryu_alg.inspection.names import escaped

_SECRET = re.compile(
    r"((?:proxy-)?authorization\s*:|(?:proxy|www)-authenticate\s*:|(?:proxy-)?authentication-info\s*:"
    r"|a=(?:crypto|ice-pwd)\s*:|.*?<(?:\w+:)?(?:auth|response|success)\b|(?:pass|authenticate)\s).*",
    re.IGNORECASE,
)
"""Lines of SIP, RTSP, SDP, XMPP, IRC and FTP, from where a credential or a key begins."""
_REQUEST = re.compile(
    r"(GET )((?:http://[^/\s]*)?/)(\S*/)?([^/?\s]*)(?:\?(\S*))?(.*)", re.IGNORECASE
)
"""Of HTTP: what stands before the last part of the path, and its query."""
_ANNOUNCED = frozenset(
    (
        *("info_hash", "peer_id", "port", "ip", "ipv4", "ipv6", "event", "numwant", "compact"),
        *("uploaded", "downloaded", "left", "corrupt", "redundant", "no_peer_id"),
        *("supportcrypto", "requirecrypto", "cryptoport"),
    )
)
"""What an announce of BitTorrent tells and may be shown. All else may be a key that is its user's:
trackers have them in the path too, or call them whatever they like."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened."""

    time: float
    """Seconds since the capture's first packet."""
    code: str
    """Of an event, as the running gateway publishes it; or `rewrite`, or what is said of the
    capture itself: `packet.*`, `capture.*`, `session.mid_stream`."""
    detail: str
    session: int | None = None
    protocol: str | None = None
    packet: int | None = None
    """The number of the packet that caused it."""
    before: tuple[bytes, ...] = ()
    """Of a rewrite: the lines that came."""
    after: tuple[bytes, ...] = ()
    """The lines that leave instead."""

    def text(self) -> str:
        """For people; a rewrite has several lines."""
        who = "" if self.session is None else f"#{self.session} "
        head = f"{self.time:12.6f}  {who}{self.code}  {escaped(self.detail)}".rstrip()
        margin = " " * 14
        before = [f"{margin}- {_shown(line)}" for line in self.before]
        after = [f"{margin}+ {_shown(line)}" for line in self.after]
        return "\n".join([head, *before, *after])

    def json(self) -> str:
        """One JSON object in one line, without what there is none of."""
        fields: dict[str, object] = {
            "time": round(self.time, 6),
            "packet": self.packet,
            "session": self.session,
            "protocol": self.protocol,
            "code": self.code,
            "detail": escaped(self.detail),
            "before": [_shown(line) for line in self.before] or None,
            "after": [_shown(line) for line in self.after] or None,
        }
        return json.dumps({key: value for key, value in fields.items() if value is not None})


def _shown(line: bytes) -> str:
    text = escaped(line.decode(errors="backslashreplace"))
    secret = _SECRET.match(text)
    if secret is not None:
        return f"{secret[1]} (not shown)"
    request = _REQUEST.fullmatch(text)
    return text if request is None else _request(*request.groups())


def _request(
    method: str, host: str, path: str | None, name: str, query: str | None, rest: str
) -> str:
    told = method + host + ("(not shown)/" if path else "") + name
    if query is not None:
        fields = (field.partition("=") for field in query.split("&"))
        told += "?" + "&".join(
            f"{key}{equals}{value}" if key in _ANNOUNCED else f"{key if equals else ''}=(not shown)"
            for key, equals, value in fields
        )
    return told + rest
