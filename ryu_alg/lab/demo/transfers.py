"""The downloads of the demonstration: two clients, active and passive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """One download. The names are those of hosts in the `nat` topology."""

    title: str
    client: str
    server: str
    address: str
    """Where the client finds the server."""
    command: tuple[str, ...]
    """`{url}` stands for what to fetch into the current folder."""

    def argv(self, name: str) -> list[str]:
        """The client's command line, to fetch `name`."""
        url = f"ftp://{self.address}/{name}"
        return [word.format(url=url) for word in self.command]


_OUTSIDE = "203.0.113.2"
_PUBLISHED = "203.0.113.1"
"""Where config/lab.yaml publishes `inserver`."""

# -q: none of the user's own settings. Without a limit, lftp tries for ever.
_CURL = ("curl", "-q", "-sS", "-O")
_LFTP = "set net:max-retries 1; set ftp:passive-mode {mode}; get {{url}}"

TRANSFERS = (
    Transfer(
        "curl behind NAT, active mode",
        *("client", "server", _OUTSIDE),
        (*_CURL, "--ftp-port", "-", "{url}"),
    ),
    Transfer(
        "lftp behind NAT, active mode",
        *("client", "server", _OUTSIDE),
        ("lftp", "--norc", "-c", _LFTP.format(mode="off")),
    ),
    Transfer(
        "curl behind NAT, passive mode",
        *("client", "server", _OUTSIDE),
        (*_CURL, "{url}"),
    ),
    Transfer(
        "lftp outside, passive mode, server behind NAT",
        *("outsider", "inserver", _PUBLISHED),
        ("lftp", "--norc", "-c", _LFTP.format(mode="on")),
    ),
)
