"""Puts the REST endpoint on Ryu's WSGI server, and mends what that server does badly.

Ryu answers what no route matches with an HTML page, and a wrong method too; it knows no
authorisation, and other applications in the same process serve paths of their own.
"""

from __future__ import annotations

from typing import Any

import webob
from ryu import cfg
from ryu.app.wsgi import ControllerBase, WSGIApplication

from ryu_alg.rest.api import Api


class AlgController(ControllerBase):
    """Every request that no other application's route wants. Ryu makes one per request."""

    def answer(self, request: webob.Request, **_route: object) -> webob.Response:
        """The action of the one route that there is."""
        api: Api = self.data["api"]
        return api.answer(request)


def listen_at(address: str, port: int) -> None:
    """Have Ryu's server listen there. To be called before it starts: while applications do.

    Ryu's own default is every address, and nothing else would tell a plain `ryu-manager`.
    """
    cfg.CONF.set_override("wsapi_host", address)
    cfg.CONF.set_override("wsapi_port", port)


def attach(wsgi: WSGIApplication, api: Api) -> None:
    """Serve `api` from `wsgi`; what other applications serve there stays, behind its guard."""
    # Routes are matched in the order of registration, so that a catch-all route would hide
    # those of applications that start later.
    wsgi.registory[AlgController.__name__] = {"api": api}
    match_route = wsgi._match
    ours = {"controller": AlgController, "action": "answer"}

    def match(request: webob.Request) -> dict[str, Any]:
        # Ryu's server does not always set it.
        request.environ.setdefault("QUERY_STRING", "")
        if api.refusal(request) is not None:
            return dict(ours)
        return match_route(request) or dict(ours)

    wsgi._match = match
