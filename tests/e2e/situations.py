"""Where client and server are, and how their data connection is made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tests.e2e.gateway import PUBLIC, PYFTPDLIB_PUBLIC_PORT
from tests.e2e.servers import PYFTPDLIB_PORT, VSFTPD_PORT


class Mode(Enum):
    """The command that announces the data connection."""

    PORT = "PORT"
    EPRT = "EPRT"
    PASV = "PASV"
    EPSV = "EPSV"

    @property
    def active(self) -> bool:
        return self in (Mode.PORT, Mode.EPRT)

    @property
    def extended(self) -> bool:
        return self in (Mode.EPRT, Mode.EPSV)


@dataclass(frozen=True)
class Situation:
    """A client's host, a server's host, and what is between them."""

    name: str
    client: str
    server: str
    address: str
    """The server's, for the client."""
    protected: str
    """The inside host's address, for those outside."""
    translated: bool = False

    @property
    def modes(self) -> tuple[Mode, ...]:
        """PORT and PASV know IPv4 only."""
        return (Mode.EPRT, Mode.EPSV) if self.ipv6 else tuple(Mode)

    @property
    def ipv6(self) -> bool:
        return ":" in self.address

    @property
    def url_host(self) -> str:
        return f"[{self.address}]" if self.ipv6 else self.address

    def port(self, kind: str) -> int:
        """The control port of a server of that kind, for the client."""
        if kind == "vsftpd":
            return VSFTPD_PORT
        return PYFTPDLIB_PUBLIC_PORT if self.address == PUBLIC else PYFTPDLIB_PORT


NAT = Situation("nat", "client", "server", "203.0.113.2", PUBLIC, True)
PUBLISHED = Situation("published", "server", "inserver", PUBLIC, PUBLIC, True)
IPV4_OUT = Situation("ipv4-out", "plain", "server", "203.0.113.2", "198.51.100.2")
IPV4_IN = Situation("ipv4-in", "server", "plain", "198.51.100.2", "198.51.100.2")
IPV6_OUT = Situation("ipv6-out", "plain", "server", "2001:db8:1::2", "2001:db8:30::2")
IPV6_IN = Situation("ipv6-in", "server", "plain", "2001:db8:30::2", "2001:db8:30::2")
ACROSS = Situation("across", "client", "plain", "198.51.100.2", PUBLIC)
"""From one inside network to another."""

SITUATIONS = (NAT, PUBLISHED, IPV4_OUT, IPV4_IN, IPV6_OUT, IPV6_IN, ACROSS)
