"""Dialogues and contacts by their names on the other side: Request-URI, Replaces (RFC 3891),
Refer-To (RFC 3515)."""

from __future__ import annotations

from urllib.parse import quote_from_bytes, unquote_to_bytes

from ryu_alg.inspection import Realm
from ryu_alg.protocols.sip.addresses import NameAddr
from ryu_alg.protocols.sip.b2bua.calls import Calls
from ryu_alg.protocols.sip.b2bua.hiding import Hiding
from ryu_alg.protocols.sip.grammar import parameter, take_parameters
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.uris import Uri

_FOREIGN = 256
"""Names of dialogues between others that are remembered."""


class References:
    """Translates names. Those of the inside that have no other name do not leave."""

    def __init__(self, calls: Calls, hiding: Hiding) -> None:
        self._calls = calls
        self._hiding = hiding
        self._foreign: dict[bytes, None] = {}

    def target(self, uri: Uri, origin: Realm) -> bytes | None:
        """The remote target of the other leg, if `uri` is the gateway's contact of one."""
        found = self._calls.by_token(origin, uri.user) if uri.user else None
        return found.branch.peer(found.leg).target if found else None

    def replaces(self, value: bytes, origin: Realm) -> bytes | None:
        """Replaces as the other side calls that dialogue; None: it has no name there."""
        call_id, _, rest = value.partition(b";")
        parameters, _ = take_parameters(b";" + rest, 0, len(rest) + 1)
        to_tag, from_tag = parameter(parameters, b"to-tag"), parameter(parameters, b"from-tag")
        if to_tag is None or from_tag is None or not to_tag.value or not from_tag.value:
            return None
        found = self._calls.find((origin, call_id.strip(), to_tag.value, from_tag.value))
        if found is not None:
            peer = found.branch.peer(found.leg)
            text = b"%s;to-tag=%s;from-tag=%s" % (peer.call_id, peer.remote_tag, peer.local_tag)
            return text + b";early-only" if parameter(parameters, b"early-only") else text
        if origin is Realm.INSIDE:
            return value if call_id.strip() in self._foreign else None
        self._foreign[call_id.strip()] = None
        if len(self._foreign) > _FOREIGN:
            del self._foreign[next(iter(self._foreign))]
        return value

    def refer_to(self, message: Message, address: NameAddr, origin: Realm) -> bytes | None:
        """Refer-To on the other side; None: it means nothing there."""
        raw, uri = message.raw, address.uri
        own = self.target(uri, origin)
        towards = origin.other
        text = own or self._hiding.uri(raw, uri, towards)
        written = raw[slice(*uri.span)]
        bare, question, headers = written.partition(b"?")
        if own is None and text == written:
            text = bare
        method = uri.parameter(b"method")
        if method is not None and method.value.isalpha() and b";method=" not in text:
            text += b";method=" + method.value
        if question:
            kept = self._headers(headers, origin)
            if kept is None:
                return None
            text += kept
        return b"<%s>" % text

    def _headers(self, headers: bytes, origin: Realm) -> bytes | None:
        """Of the headers in a URI, the only one that crosses is Replaces."""
        for header in headers.split(b"&"):
            name, _, value = header.partition(b"=")
            if name.lower() == b"replaces":
                translated = self.replaces(unquote_to_bytes(value), origin)
                if translated is None:
                    return None
                return b"?Replaces=" + quote_from_bytes(translated, safe="").encode()
        return b""
