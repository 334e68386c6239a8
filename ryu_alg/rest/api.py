"""The REST endpoint: which paths there are, what they take, and what they answer.

Requests and responses are webob's; which server they come from does not matter here.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from http import HTTPStatus

import webob

from ryu_alg.rest import BASE, views
from ryu_alg.rest.auth import Guard
from ryu_alg.rest.listing import (
    BINDINGS,
    EVENTS,
    PINHOLES,
    SESSIONS,
    Listing,
    View,
    read_parameters,
)
from ryu_alg.rest.metrics import CONTENT_TYPE, Metrics
from ryu_alg.rest.problems import CONFIGURATION_REFUSED, ProblemError, path_of
from ryu_alg.rest.read_model import Listed, ReadModel, Refused
from ryu_alg.rest.views import Json

_SESSION = re.compile(f"{BASE}/sessions/[0-9]{{1,18}}")

LOG = logging.getLogger(__name__)

Handler = Callable[[webob.Request], webob.Response]


class Api:
    """Answers requests from a read model. Nothing that goes wrong leaves as an exception."""

    def __init__(self, model: ReadModel, guard: Guard) -> None:
        self._model = model
        self.guard = guard
        """Another one takes its place when the configuration names another token."""
        self._metrics = Metrics(model.status)
        self._handlers: dict[str, dict[str, Handler]] = {
            f"{BASE}/sessions": {"GET": _lister(SESSIONS, model.sessions)},
            f"{BASE}/pinholes": {"GET": _lister(PINHOLES, model.pinholes)},
            f"{BASE}/bindings": {"GET": _lister(BINDINGS, model.bindings)},
            f"{BASE}/protocols": {"GET": self._protocols},
            f"{BASE}/events": {"GET": _lister(EVENTS, model.events)},
            f"{BASE}/status": {"GET": self._status},
            f"{BASE}/config": {"POST": self._reload},
            "/metrics": {"GET": self._scrape},
        }
        self._session_handlers: dict[str, Handler] = {"DELETE": self._end_session}

    def answer(self, request: webob.Request) -> webob.Response:
        """The response to `request`, a problem if need be."""
        try:
            self.guard.check(request)
            response = self._handler(request)(request)
        except ProblemError as problem:
            response = problem.response(request)
        except Exception:
            LOG.exception("%s %r failed", request.method, path_of(request))
            response = ProblemError(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The gateway's log says more."
            ).response(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def refusal(self, request: webob.Request) -> webob.Response | None:
        """The response to a request that may not ask at all; None for one that may."""
        try:
            self.guard.check(request)
        except ProblemError as problem:
            return problem.response(request)
        return None

    def _handler(self, request: webob.Request) -> Handler:
        path = path_of(request)
        methods = self._handlers.get(path)
        if methods is None and _SESSION.fullmatch(path):
            methods = self._session_handlers
        if methods is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, "There is nothing at this path.")
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = [*methods, *(["HEAD"] if "GET" in methods else [])]
            raise ProblemError(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"This path takes {' and '.join(allowed)}.",
                headers={"Allow": ", ".join(allowed)},
            )
        return handler

    def _status(self, request: webob.Request) -> webob.Response:
        read_parameters(request, ())
        return _json(views.status(self._model.status()))

    def _protocols(self, request: webob.Request) -> webob.Response:
        read_parameters(request, ())
        return _json({"protocols": [views.protocol(view) for view in self._model.protocols()]})

    def _scrape(self, _request: webob.Request) -> webob.Response:
        return webob.Response(
            body=self._metrics.text(), headerlist=[("Content-Type", CONTENT_TYPE)]
        )

    def _end_session(self, request: webob.Request) -> webob.Response:
        read_parameters(request, ())
        number = int(path_of(request).rpartition("/")[2])
        if not self._model.end_session(number):
            raise ProblemError(HTTPStatus.NOT_FOUND, f"There is no session {number}.")
        return webob.Response(status=HTTPStatus.NO_CONTENT.value)

    def _reload(self, request: webob.Request) -> webob.Response:
        read_parameters(request, ())
        if request.content_length or "HTTP_TRANSFER_ENCODING" in request.environ:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST, "No body is taken: the configuration file is read again."
            )
        outcome = self._model.reload()
        if isinstance(outcome, Refused):
            raise _configuration_refused(outcome)
        return _json(
            {"path": outcome.path, "sha256": outcome.sha256, "changed": list(outcome.changed)}
        )


def _lister(listing: Listing[View], read: Callable[[int], Listed[View]]) -> Handler:
    def answer(request: webob.Request) -> webob.Response:
        return _json(listing.page(request, read, time.time()))

    return answer


def _json(body: dict[str, Json]) -> webob.Response:
    return webob.Response(
        body=json.dumps(body).encode() + b"\n",
        headerlist=[("Content-Type", "application/json")],
    )


def _configuration_refused(outcome: Refused) -> ProblemError:
    count = len(outcome.mistakes)
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{count} mistake{'' if count == 1 else 's'}; the configuration in force stays.",
        kind=CONFIGURATION_REFUSED,
        title="The configuration was refused",
        members={
            "errors": [
                {
                    "file": mistake.file,
                    "line": mistake.line,
                    "key": mistake.key,
                    "wrong": mistake.wrong,
                    "right": mistake.right,
                }
                for mistake in outcome.mistakes
            ]
        },
    )
