"""What of the inside is not seen outside: addresses and names of hosts. Users are.

An address of the inside realm becomes the one that stands for it outside; a name of the inside
becomes the address that stands for the host that used it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from ryu_alg.inspection import Address, Gateway, Realm
from ryu_alg.protocols.sip.addresses import NameAddr
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.uris import HostPort, Uri, write_host

_ALWAYS = ("*.local", "*.lan", "*.internal", "*.home.arpa", "*.localhost", "localhost")
_KEPT_PARAMETERS = (b"user", b"transport", b"cause")
"""Of a URI that says who is meant. Others say how to get there."""
_ANONYMOUS = b"anonymous"


class Hiding:
    """Makes what crosses fit to be seen on the other side."""

    def __init__(self, gateway: Gateway, host: Address, names: Iterable[str]) -> None:
        """`names`: glob patterns for host names of the inside."""
        self._gateway = gateway
        self._host = host
        self._names = tuple(name.lower() for name in (*_ALWAYS, *names))

    def is_inside(self, where: HostPort) -> bool:
        """Whether a host is one of the inside."""
        if where.address is not None:
            return self._gateway.realm_of(where.address) is Realm.INSIDE
        name = where.host.decode("latin-1").lower().rstrip(".")
        return "." not in name or any(fnmatchcase(name, pattern) for pattern in self._names)

    def betrays(self, text: bytes) -> bool:
        """Whether a text has the inside host's own address in it."""
        return self._translated() and str(self._host).encode() in text.lower()

    def covered(self, text: bytes) -> bytes:
        """A text with the public address wherever the host's own still stands."""
        if not self._translated():
            return text
        public = str(self._gateway.public_of(self._host)).encode()
        return re.sub(re.escape(str(self._host).encode()), public, text, flags=re.IGNORECASE)

    def _translated(self) -> bool:
        return self._gateway.public_of(self._host) != self._host

    def seen(self, where: HostPort, towards: Realm) -> bytes:
        """How a host, without its port, is written on the other side."""
        if towards is Realm.INSIDE or not self.is_inside(where):
            return where.host
        address = self._host if where.address is None else where.address
        return write_host(self._gateway.public_of(address))

    def identity(self, message: Message, address: NameAddr, towards: Realm) -> bytes:
        """Who is meant, without tag and other parameters: display name and URI in brackets."""
        uri = self.uri(message.raw, address.uri, towards)
        display = address.display
        if towards is Realm.OUTSIDE and self.betrays(display):
            display = b""
        return b"%s <%s>" % (display, uri) if display else b"<%s>" % uri

    def uri(self, raw: bytes, uri: Uri, towards: Realm) -> bytes:
        """A URI as it is seen on the other side. The port of a hidden host is not."""
        if towards is Realm.INSIDE:
            return raw[slice(*uri.span)]
        if uri.where is None:
            text = raw[slice(*uri.span)]
            return b"%s:%s" % (uri.scheme, _ANONYMOUS) if self.betrays(text) else text
        host = self.seen(uri.where, towards)
        if host == uri.where.host and uri.where.port is not None:
            host += b":%d" % uri.where.port
        text = uri.scheme + b":"
        if uri.user is not None:
            text += (_ANONYMOUS if self.betrays(uri.user) else uri.user) + b"@"
        text += host
        for name in _KEPT_PARAMETERS:
            found = uri.parameter(name)
            if found is not None and not self.betrays(found.value):
                text += b";%s=%s" % (name, found.value)
        return text
