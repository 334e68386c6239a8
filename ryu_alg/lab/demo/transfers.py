"""The downloads of the demonstration: two clients, active and passive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Transfer:
    """One download. The names are those of hosts in the `nat` topology."""

    title: str
    client: str
    server: str
    address: str
    """Where the client finds the server."""
    command: tuple[str, ...]
    """`{url}` and `{file}` stand for what to fetch, and where to put it."""

    def argv(self, name: str, file: Path) -> list[str]:
        """The client's command line, to fetch `name` into `file`."""
        url = f"ftp://{self.address}/{name}"
        return [word.format(url=url, file=file) for word in self.command]


_OUTSIDE = "203.0.113.2"
_PUBLISHED = "203.0.113.1"
"""Where config/lab.yaml publishes `inserver`."""

# -q: none of the user's own settings. Without a limit, lftp tries for ever.
_CURL = ("curl", "-q", "--silent", "--show-error", "--output", "{file}")
_LFTP = "set net:max-retries 1; set net:timeout 10; {mode} get {{url}} -o {{file}}"

TRANSFERS = (
    Transfer(
        "curl behind NAT, active mode",
        *("client", "server", _OUTSIDE),
        (*_CURL, "--ftp-port", "-", "{url}"),
    ),
    Transfer(
        "lftp behind NAT, active mode",
        *("client", "server", _OUTSIDE),
        ("lftp", "--norc", "-c", _LFTP.format(mode="set ftp:passive-mode off;")),
    ),
    Transfer(
        "curl behind NAT, passive mode",
        *("client", "server", _OUTSIDE),
        (*_CURL, "{url}"),
    ),
    Transfer(
        "lftp outside, passive mode, server behind NAT",
        *("outsider", "inserver", _PUBLISHED),
        ("lftp", "--norc", "-c", _LFTP.format(mode="set ftp:passive-mode on;")),
    ),
)
