"""Ryu's WSGI server on loopback, over a gateway in memory.

`python -m tests.rest.server ADDRESS [TOKEN_FILE]` prints its port and serves until killed. A POST
of the configuration ends session 1 and opens session 3, so that a watcher sees something.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from tests.rest.model import Model, session


class Lively(Model):
    def reload(self):  # type: ignore[no-untyped-def]
        self.all_sessions = [session(2), session(3)]
        return super().reload()


def main(address: str, token_file: Path | None) -> None:
    warnings.simplefilter("ignore")
    from ryu_alg import ryu_repair

    ryu_repair.install()
    from ryu import cfg
    from ryu.app.wsgi import WSGIApplication, WSGIServer

    from ryu_alg.rest.api import Api
    from ryu_alg.rest.auth import Guard
    from ryu_alg.rest.controller import attach, listen_at

    cfg.CONF(args=[], project="ryu")
    listen_at(address, 0)
    wsgi = WSGIApplication()
    attach(wsgi, Api(Lively(), Guard(address, token_file)))
    server = WSGIServer(wsgi)
    print(server.server.getsockname()[1], flush=True)
    server()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
