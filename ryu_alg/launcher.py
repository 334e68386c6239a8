"""Starts Ryu inside this process, and ends it cleanly. Imports Ryu: about two seconds."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Sequence
from types import FrameType

from ryu_alg import ryu_repair

STATUS_INTERRUPTED = 130
"""Exit status after SIGINT, as shells expect it."""


def prepare() -> None:
    """Make the standard library cooperative. To be called before most other imports.

    Ryu's manager would do it in two halves, threads last: whatever made a lock before that
    keeps one that blocks every green thread, and eventlet trips over pydantic's models when it
    looks for such locks.
    """
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()


def launch(arguments: Sequence[str], prog: str) -> None:
    """Run Ryu's manager with its own command line `arguments` until a signal ends it.

    SIGINT raises SystemExit(130), SIGTERM SystemExit(0), both after the applications were
    closed. Ryu raises ModuleNotFoundError for an application that does not exist.
    """
    ryu_repair.install()
    from ryu.cmd import manager

    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    manager.main(args=list(arguments), prog=prog)


def _stop(number: int, frame: FrameType | None) -> None:
    """Have SystemExit raised in the main greenlet, which waits in Ryu's manager.

    A green thread of an application would swallow it. The hub may be asleep, and then only
    an exception raised right here wakes it; it hands SystemExit to the main greenlet.
    """
    import eventlet.hubs
    import greenlet

    # A second signal does not wait for applications that don't end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ending = SystemExit(STATUS_INTERRUPTED if number == signal.SIGINT else 0)
    hub = eventlet.hubs.get_hub()
    running = greenlet.getcurrent()
    if running is hub.greenlet or running.parent is None:
        raise ending
    main = hub.greenlet.parent
    hub.schedule_call_global(0, main.throw, ending)
