"""What the rounds amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.parsers.stopwatch import Stopwatch
from tests.bench.report import Spread, Table

Round = Mapping[str, Stopwatch]
"""By protocol."""
_TITLES = {
    "ftp": "FTP",
    "sip-udp": "SIP over UDP",
    "sip-tcp": "SIP over TCP",
    "b2bua-udp": "SIP over UDP, back-to-back user agent",
    "rtsp": "RTSP",
    "tftp": "TFTP",
    "irc": "IRC",
    "xmpp": "XMPP",
    "bittorrent": "BitTorrent: trackers over HTTP, peers",
    "bittorrent-udp": "BitTorrent: trackers over UDP, DHT",
}


@dataclass(frozen=True)
class Report:
    """Of one benchmark."""

    started: str
    machine: Mapping[str, str]
    rounds: Sequence[Round]

    def messages(self, name: str) -> Spread:
        """A second."""
        return Spread.of(of[name].messages / of[name].seconds for of in self.rounds)

    def megabytes(self, name: str) -> Spread:
        """A second."""
        return Spread.of(of[name].size / of[name].seconds / 1e6 for of in self.rounds)

    def mean_size(self, name: str) -> float:
        """Bytes of a message."""
        return sum(of[name].size for of in self.rounds) / sum(
            of[name].messages for of in self.rounds
        )

    def table(self) -> Table:
        """For people."""
        return Table(
            f"Parsers: median of {len(self.rounds)} rounds (lowest to highest)",
            ("", "bytes a message", "messages a second", "MB a second", "µs a message"),
            tuple(
                (
                    _TITLES[name],
                    f"{self.mean_size(name):.0f}",
                    self.messages(name).text(0),
                    self.megabytes(name).text(1),
                    f"{1e6 / self.messages(name).median:.1f}",
                )
                for name in self.rounds[0]
            ),
        )

    def markdown(self) -> str:
        """The machine and the table."""
        machine = "\n".join(f"- {what}: {which}" for what, which in self.machine.items())
        return f"Run of {self.started}.\n\n{machine}\n\n{self.table().markdown()}"

    def json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "started": self.started,
            "machine": dict(self.machine),
            "protocols": {
                name: {
                    "messages_per_second": asdict(self.messages(name)),
                    "megabytes_per_second": asdict(self.megabytes(name)),
                    "bytes_per_message": self.mean_size(name),
                }
                for name in self.rounds[0]
            },
            "rounds": [
                {name: asdict(watch) for name, watch in of_round.items()}
                for of_round in self.rounds
            ],
        }
