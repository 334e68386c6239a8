"""The verbs of FTP: one table, from which validation, policy and the documentation come.

RFC 775, 959, 1123, 1639, 2228, 2389, 2428, 2640, 3659, 7151, and what is in use without one;
RFC 5797 is the registry. A verb that is not here is passed to the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Argument(Enum):
    """What follows a verb."""

    NONE = "-"
    TEXT = "text"
    OPTIONAL = "[text]"
    PATH = "path"
    OPTIONAL_PATH = "[path]"
    NUMBER = "number"
    SECRET = "secret"
    """Never shown."""
    HOST_PORT = "h1,h2,h3,h4,p1,p2"
    EXTENDED_PORT = "|family|address|port|"
    EXTENDED_PASSIVE = "[family] or ALL"


class Role(Enum):
    """What a command, and the reply to it, mean to the gateway."""

    PLAIN = "plain"
    GREETING = "greeting"
    """No verb: the server's first reply, which nobody asked for."""
    USER = "user"
    TRANSFER = "transfer"
    """Uses the data connection; its final reply ends that."""
    ACTIVE = "active"
    """The client announces where it listens; accepted by 2yz."""
    PASSIVE = "passive"
    """The server announces where it listens, by 227."""
    EXTENDED_PASSIVE = "extended passive"
    """The server announces where it listens, by 229."""
    EXTENDED_ONLY = "extended only"
    """EPSV ALL: no other way to set up a data connection from now on."""
    SECURITY = "security"
    """Accepted, the rest of the session cannot be read."""
    ABORT = "abort"
    QUIT = "quit"
    REINITIALIZE = "reinitialize"
    UNSUPPORTED = "unsupported"
    """Refused: it would carry addresses, or commands, past the gateway."""

    __hash__ = object.__hash__


class Handling(Enum):
    """What becomes of a verb unless command control says otherwise."""

    PASS = "passed"
    REWRITE = "rewritten"
    REPLY_REWRITTEN = "passed, reply rewritten"
    OPTION = "by option `auth`"
    REFUSE = "refused"


_HANDLING = {
    Role.ACTIVE: Handling.REWRITE,
    Role.PASSIVE: Handling.REPLY_REWRITTEN,
    Role.EXTENDED_PASSIVE: Handling.REPLY_REWRITTEN,
    Role.SECURITY: Handling.OPTION,
    Role.UNSUPPORTED: Handling.REFUSE,
}


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of the table."""

    name: str
    argument: Argument
    help: str
    rfc: str
    """Number of the RFC that defines it; empty for none."""
    role: Role = Role.PLAIN
    writes: bool = False
    """Changes what is on the server: refused by the profile `read-only`."""
    same_as: str = ""
    """The verb of which this is another name: a rule about that one holds for this one."""

    @property
    def data(self) -> bool:
        """Whether it uses the data connection."""
        return self.role is Role.TRANSFER

    @property
    def handling(self) -> Handling:
        """What the gateway does with it by default."""
        return _HANDLING.get(self.role, Handling.PASS)


_A = Argument
_R = Role

_TABLE = (
    Verb("ABOR", _A.NONE, "abort the transfer", "959", _R.ABORT),
    Verb("ACCT", _A.SECRET, "account", "959"),
    Verb("ADAT", _A.SECRET, "security data", "2228"),
    Verb("ALLO", _A.NUMBER, "allocate space", "959"),
    Verb("APPE", _A.PATH, "append to a file", "959", _R.TRANSFER, writes=True),
    Verb("AUTH", _A.TEXT, "start TLS or another security mechanism", "2228", _R.SECURITY),
    Verb("AVBL", _A.OPTIONAL_PATH, "space available", ""),
    Verb("CCC", _A.NONE, "end protection of the control connection", "2228"),
    Verb("CDUP", _A.NONE, "parent directory", "959"),
    Verb("CLNT", _A.TEXT, "name of the client program", ""),
    Verb("COMB", _A.TEXT, "combine parts of a file", "", writes=True),
    Verb("CONF", _A.SECRET, "confidential command", "2228", _R.UNSUPPORTED),
    Verb("CSID", _A.TEXT, "client and server identify themselves", ""),
    Verb("CWD", _A.PATH, "change directory", "959"),
    Verb("DELE", _A.PATH, "delete a file", "959", writes=True),
    Verb("DSIZ", _A.OPTIONAL_PATH, "size of a directory", ""),
    Verb("ENC", _A.SECRET, "private command", "2228", _R.UNSUPPORTED),
    Verb("EPRT", _A.EXTENDED_PORT, "where the client listens", "2428", _R.ACTIVE),
    Verb("EPSV", _A.EXTENDED_PASSIVE, "ask the server to listen", "2428", _R.EXTENDED_PASSIVE),
    Verb("FEAT", _A.NONE, "list features", "2389"),
    Verb("HASH", _A.PATH, "checksum of a file", ""),
    Verb("HELP", _A.OPTIONAL, "help", "959"),
    Verb("HOST", _A.TEXT, "name of the virtual host", "7151"),
    Verb("LANG", _A.OPTIONAL, "language of replies", "2640"),
    Verb("LIST", _A.OPTIONAL_PATH, "list a directory", "959", _R.TRANSFER),
    Verb("LPRT", _A.TEXT, "where the client listens, long form", "1639", _R.UNSUPPORTED),
    Verb("LPSV", _A.NONE, "ask the server to listen, long form", "1639", _R.UNSUPPORTED),
    Verb("MDTM", _A.PATH, "time of a file", "3659"),
    Verb("MFCT", _A.PATH, "set the creation time", "", writes=True),
    Verb("MFF", _A.PATH, "set facts of a file", "", writes=True),
    Verb("MFMT", _A.PATH, "set the modification time", "", writes=True),
    Verb("MIC", _A.SECRET, "integrity protected command", "2228", _R.UNSUPPORTED),
    Verb("MKD", _A.PATH, "make a directory", "959", writes=True),
    Verb("MLSD", _A.OPTIONAL_PATH, "list a directory for machines", "3659", _R.TRANSFER),
    Verb("MLST", _A.OPTIONAL_PATH, "facts of a file", "3659"),
    Verb("MODE", _A.TEXT, "transfer mode", "959"),
    Verb("NLST", _A.OPTIONAL_PATH, "list names", "959", _R.TRANSFER),
    Verb("NOOP", _A.NONE, "nothing", "959"),
    Verb("OPTS", _A.TEXT, "options of a feature", "2389"),
    Verb("PASS", _A.SECRET, "password", "959"),
    Verb("PASV", _A.NONE, "ask the server to listen", "959", _R.PASSIVE),
    Verb("PBSZ", _A.NUMBER, "protection buffer size", "2228"),
    Verb("PORT", _A.HOST_PORT, "where the client listens", "959", _R.ACTIVE),
    Verb("PROT", _A.TEXT, "protection of the data connection", "2228"),
    Verb("PWD", _A.NONE, "print the directory", "959"),
    Verb("QUIT", _A.NONE, "end the session", "959", _R.QUIT),
    Verb("RANG", _A.TEXT, "range of bytes to transfer", ""),
    Verb("REIN", _A.NONE, "start the session again", "959", _R.REINITIALIZE),
    Verb("REST", _A.NUMBER, "restart a transfer at", "3659"),
    Verb("RETR", _A.PATH, "download a file", "959", _R.TRANSFER),
    Verb("RMD", _A.PATH, "remove a directory", "959", writes=True),
    Verb("RMDA", _A.PATH, "remove a directory with all in it", "", writes=True),
    Verb("RNFR", _A.PATH, "rename from", "959", writes=True),
    Verb("RNTO", _A.PATH, "rename to", "959", writes=True),
    Verb("SITE", _A.SECRET, "the server's own commands", "959", writes=True),
    Verb("SIZE", _A.PATH, "size of a file", "3659"),
    Verb("SMNT", _A.PATH, "mount", "959", writes=True),
    Verb("STAT", _A.OPTIONAL_PATH, "status", "959"),
    Verb("STOR", _A.PATH, "upload a file", "959", _R.TRANSFER, writes=True),
    Verb("STOU", _A.OPTIONAL_PATH, "upload under a new name", "959", _R.TRANSFER, writes=True),
    Verb("STRU", _A.TEXT, "file structure", "959"),
    Verb("SYST", _A.NONE, "the server's system", "959"),
    Verb("THMB", _A.TEXT, "thumbnail of a picture", "", _R.TRANSFER),
    Verb("TYPE", _A.TEXT, "representation type", "959"),
    Verb("USER", _A.TEXT, "user name", "959", _R.USER),
    Verb("XCRC", _A.PATH, "CRC of a file", ""),
    Verb("XCUP", _A.NONE, "parent directory", "775", same_as="CDUP"),
    Verb("XCWD", _A.PATH, "change directory", "775", same_as="CWD"),
    Verb("XMD5", _A.PATH, "MD5 of a file", ""),
    Verb("XMKD", _A.PATH, "make a directory", "775", writes=True, same_as="MKD"),
    Verb("XPWD", _A.NONE, "print the directory", "775", same_as="PWD"),
    Verb("XRMD", _A.PATH, "remove a directory", "775", writes=True, same_as="RMD"),
)

VERBS: dict[str, Verb] = {verb.name: verb for verb in _TABLE}
