"""Lets Ryu 4.34 run on current eventlet: the one place where that is mended.

`ryu.app.wsgi` imports `ALREADY_HANDLED` from `eventlet.wsgi`, which no longer has it, and
`ryu.cmd.manager` imports `ryu.app.wsgi` before any application. So the name has to be put
back before any code of ours would run in a plain `ryu-manager`: a finder waits for the import
of `ryu.app.wsgi`, restores the name just before it, and finds nothing itself.

`ryu_alg.pth` in site-packages installs the finder when Python starts; `ryu-alg run` does so
too, for whoever runs from a checkout. This module is thus imported by every Python process of
the environment: it imports nothing that the interpreter has not imported already.
"""

from __future__ import annotations

import sys

BROKEN_MODULE = "ryu.app.wsgi"


class WsgiRepair:
    """A meta path finder that repairs `eventlet.wsgi` for `ryu.app.wsgi`, once."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Repair if `name` is the module that needs it. Leaves the finding to the others."""
        if name == BROKEN_MODULE:
            sys.meta_path.remove(self)
            _restore_already_handled()


def install() -> None:
    """Have the repair made when Ryu is imported. Calling it again changes nothing."""
    if BROKEN_MODULE in sys.modules or any(isinstance(f, WsgiRepair) for f in sys.meta_path):
        return
    sys.meta_path.insert(0, WsgiRepair())


def _restore_already_handled() -> None:
    import eventlet.wsgi

    if not hasattr(eventlet.wsgi, "ALREADY_HANDLED"):
        # What a websocket handler returns as its response body. It must be iterable: eventlet
        # walks over it, and logs a traceback for each closed websocket otherwise.
        eventlet.wsgi.ALREADY_HANDLED = ()
