"""Lists in pages: what may be asked of each, and how one page of it looks.

Pages follow a key that rises (`after`), not a position: what comes and goes in between neither
repeats nor hides anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import webob

from ryu_alg.engine.views import BindingView, EventView, PinholeView, SessionView
from ryu_alg.inspection import Address, Endpoint
from ryu_alg.rest import views
from ryu_alg.rest.problems import ProblemError, path_of
from ryu_alg.rest.read_model import Listed
from ryu_alg.rest.views import Json

LIMIT_MAX = 1000
"""Items on one page, and how many there are when `limit` is not given."""

SEARCHED = 5000
"""Items that one request looks at, where a filter leaves out most of them."""

View = TypeVar("View")


@dataclass(frozen=True, slots=True)
class Listing(Generic[View]):
    """One kind of list."""

    name: str
    to_json: Callable[[View, float], dict[str, Json]]
    """The float is the Unix time at which the view was taken."""
    key: Callable[[View], int]
    """Above 0, and rising from one item to the next."""
    touches: Callable[[View, Address], bool]
    """Whether a host has to do with it; for `?host=`."""
    filters: tuple[str, ...]
    """Query parameters besides `limit` and `after`; but for `host`, fields of the view."""

    def page(
        self, request: webob.Request, read: Callable[[int], Listed[View]], now: float
    ) -> dict[str, Json]:
        """The page that `request` asks for. Raises ProblemError."""
        parameters = read_parameters(request, (*self.filters, "limit", "after"))
        limit = parameters.pop("limit", LIMIT_MAX)
        listed = read(parameters.pop("after", 0))
        found: list[View] = []
        last = None
        for seen, item in enumerate(listed.views):
            fits = self._matches(item, parameters)
            if seen == SEARCHED or (fits and len(found) == limit):
                break
            last = self.key(item)
            if fits:
                found.append(item)
        else:
            last = None
        following = None
        if last is not None:
            query = dict(request.GET) | {"limit": limit, "after": last}
            following = f"{path_of(request)}?{urlencode(query)}"
        return {
            self.name: [self.to_json(item, now) for item in found],
            "total": None if parameters else listed.total,
            "next": following,
        }

    def _matches(self, item: View, filters: Mapping[str, Any]) -> bool:
        for name, value in filters.items():
            if name == "host":
                if not self.touches(item, value):
                    return False
            elif getattr(item, name) != value:
                return False
        return True


def read_parameters(request: webob.Request, known: tuple[str, ...]) -> dict[str, Any]:
    """The query's parameters, as what they mean. Raises ProblemError; each may be there once."""
    parameters: dict[str, Any] = {}
    try:
        given = list(request.GET.items())
    except UnicodeDecodeError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "The query is not UTF-8.") from error
    for name, text in given:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise ProblemError(
                HTTPStatus.BAD_REQUEST, f"There is no parameter {name!r} here: {takes}."
            )
        if name in parameters:
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is there twice.")
        try:
            parameters[name] = _PARAMETERS[name](text)
        except ValueError as error:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST, f"{name}: {text!r} is not {_EXPECTED[name]}."
            ) from error
    return parameters


def _number(text: str, low: int, high: int) -> int:
    # int() takes "1_000", " 1" and digits of other scripts too.
    if not (text.isascii() and text.isdigit() and len(text) <= 80 and low <= int(text) <= high):
        raise ValueError
    return int(text)


_KEY_MAX = 1 << 256
_PARAMETERS: dict[str, Callable[[str], Any]] = {
    "limit": lambda text: _number(text, 1, LIMIT_MAX),
    "after": lambda text: _number(text, 0, _KEY_MAX),
    "session": lambda text: _number(text, 0, _KEY_MAX),
    "host": ip_address,
    "protocol": str,
    "code": str,
}
_EXPECTED = {
    "limit": f"a number from 1 to {LIMIT_MAX}",
    "after": "what `next` of the page before says",
    "session": "the number of a session",
    "host": "an IPv4 or IPv6 address",
}


def _any_at(host: Address, *endpoints: Endpoint) -> bool:
    return any(endpoint.address == host for endpoint in endpoints)


SESSIONS: Listing[SessionView] = Listing(
    "sessions",
    views.session,
    lambda view: view.id,
    lambda view, host: _any_at(host, view.client, view.client_seen, view.server, view.server_seen),
    ("protocol", "host"),
)
PINHOLES: Listing[PinholeView] = Listing(
    "pinholes",
    views.pinhole,
    lambda view: view.id,
    lambda view, host: (
        _any_at(host, view.seen, view.listener) or any(host in network for network in view.peers)
    ),
    ("protocol", "host", "session"),
)
BINDINGS: Listing[BindingView] = Listing(
    "bindings",
    views.binding,
    lambda view: view.number,
    lambda view, host: _any_at(host, view.inside, view.public),
    ("host", "session"),
)
EVENTS: Listing[EventView] = Listing(
    "events",
    lambda view, _now: views.event(view),
    lambda view: view.id,
    lambda _view, _host: False,
    ("protocol", "session", "code"),
)
