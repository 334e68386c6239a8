"""Which headers cross the gateway: those in this list. Whatever else there is does not.

What makes a message of one side (Via, routes, tags, contacts) is written anew for the other.
Not here, and so never seen on the other side: User-Agent, Server, Organization, Warning,
Call-Info, Alert-Info, Error-Info, In-Reply-To, Reply-To, Path, Service-Route, History-Info,
Diversion, and everything that is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from ryu_alg.inspection import Realm
from ryu_alg.protocols.sip.b2bua.hiding import Hiding
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.responses import Header

CROSSING = (
    b"Accept",
    b"Accept-Encoding",
    b"Accept-Language",
    b"Allow",
    b"Allow-Events",
    b"Authentication-Info",
    b"Authorization",
    b"Event",
    b"Expires",
    b"Info-Package",
    b"Min-Expires",
    b"Min-SE",
    b"Priority",
    b"Privacy",
    b"Proxy-Authenticate",
    b"Proxy-Authorization",
    b"Reason",
    b"Recv-Info",
    b"Refer-Sub",
    b"Retry-After",
    b"Session-Expires",
    b"SIP-ETag",
    b"SIP-If-Match",
    b"Subject",
    b"Subscription-State",
    b"Unsupported",
    b"WWW-Authenticate",
)
IDENTITIES = (b"P-Asserted-Identity", b"P-Preferred-Identity", b"Referred-By", b"Remote-Party-ID")
"""Cross as `Hiding.identity` writes them."""
EXTENSIONS = (b"Supported", b"Require")
"""Cross as far as the gateway knows what they name."""
BODY_HEADERS = (
    b"Content-Type",
    b"Content-Disposition",
    b"Content-Encoding",
    b"Content-Language",
    b"MIME-Version",
)
"""Cross with the body."""

_SECRET = (b"Authorization", b"Proxy-Authorization")
"""The server computes with them as they are: a changed one is worth nothing."""
KNOWN_EXTENSIONS = frozenset(
    {
        b"100rel",
        b"eventlist",
        b"from-change",
        b"norefersub",
        b"precondition",
        b"recipient-list-subscribe",
        b"replaces",
        b"timer",
    }
)
"""What works through a B2BUA. The rest (outbound, path, gruu, ...) is about hops it hides."""


def values(message: Message, name: bytes) -> Iterator[bytes]:
    """The values of all headers of a name, as written."""
    for field in message.fields.get(name.lower(), ()):
        yield message.raw[field.value_start : field.value_end]


def crossing(message: Message, towards: Realm, hiding: Hiding) -> list[Header]:
    """The headers of `message` that cross, but those of its body and its dialogue."""
    found: list[Header] = []
    for name in CROSSING:
        for value in values(message, name):
            hidden = towards is Realm.OUTSIDE and name not in _SECRET and hiding.betrays(value)
            if not hidden:
                found.append((name, b" ".join(value.split()) if b"\n" in value else value))
    for name in IDENTITIES:
        for address in message.addresses.get(name.lower(), ()):
            found.append((name, hiding.identity(message, address, towards)))
    for name in EXTENSIONS:
        if tags := [tag for tag in option_tags(message, name) if tag in KNOWN_EXTENSIONS]:
            found.append((name, b", ".join(tags)))
    return found


def redirections(response: Message, towards: Realm, hiding: Hiding) -> list[Header]:
    """Contact of a 3xx: where else to try."""
    contacts = response.addresses.get(b"contact", ())
    return [(b"Contact", hiding.identity(response, contact, towards)) for contact in contacts]


def body_headers(message: Message) -> list[Header]:
    """The headers of the body."""
    return [(name, value) for name in BODY_HEADERS for value in values(message, name)]


def option_tags(message: Message, name: bytes) -> list[bytes]:
    """The option tags of Supported, Require or Proxy-Require, in lower case."""
    found = []
    for value in values(message, name):
        found += [tag for item in value.split(b",") if (tag := item.strip().lower())]
    return found


def unknown_extensions(request: Message) -> list[bytes]:
    """What the sender insists on, and the gateway does not know: answered with 420."""
    required = option_tags(request, b"Require") + option_tags(request, b"Proxy-Require")
    return [tag for tag in required if tag not in KNOWN_EXTENSIONS]
