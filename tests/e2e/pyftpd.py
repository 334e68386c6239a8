"""pyftpdlib as a process of its own: `python pyftpd.py ROOT PORT`. Anybody may read and write."""

from __future__ import annotations

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer


def main() -> None:
    root, port = sys.argv[1:]
    FTPHandler.authorizer = DummyAuthorizer()
    FTPHandler.authorizer.add_anonymous(root, perm="elradfmw")
    FTPServer(("::", int(port)), FTPHandler).serve_forever()


if __name__ == "__main__":
    main()
