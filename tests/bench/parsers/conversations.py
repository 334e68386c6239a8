"""What is said: the dialogues of each protocol's own tests, of which any machine has the same.

All are between a client behind a NAT and a server outside, with the options that a protocol has
when none is set.
"""

from __future__ import annotations

from collections.abc import Iterable

from ryu_alg.inspection import Direction
from ryu_alg.protocols.ftp import FtpOptions
from tests.fuzz import seeds
from tests.fuzz.records import Record, written
from tests.protocols.ftp import dialogues as ftp
from tests.protocols.gateway import BEHIND_NAT
from tests.protocols.irc import dialogues as irc
from tests.protocols.rtsp import dialogues as rtsp
from tests.protocols.xmpp import dialogues as xmpp

_SITUATION = 0
_Talk = list[tuple[Direction, bytes]]


def conversations() -> dict[str, list[bytes]]:
    """By the target in `tests.fuzz.targets` that says them."""
    welcome = seeds.played(irc.WELCOME)
    calls = _scripts(seeds.sip_scripts())
    return {
        "ftp": _talks(
            seeds.played(each.text)
            for each in ftp.DIALOGUES
            if each.conversation == BEHIND_NAT and each.options == FtpOptions()
        ),
        "sip-udp": calls,
        "sip-tcp": [each.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP") for each in calls],
        "b2bua-udp": calls,
        "rtsp": _talks(list(each.arrivals) for each in rtsp.DIALOGUES),
        "tftp": [each for each in seeds.tftp() if each[0] == _SITUATION],
        "irc": _talks(welcome + seeds.played(each.text) for each in irc.DIALOGUES),
        "xmpp": _talks(list(each.arrivals) for each in xmpp.DIALOGUES),
        "bittorrent": _talks(seeds.bittorrent_talks()),
        "bittorrent-udp": [each for each in seeds.bittorrent_datagrams() if each[0] == _SITUATION],
    }


def _talks(talks: Iterable[_Talk]) -> list[bytes]:
    return [seeds.conversation(talk, _SITUATION) for talk in talks]


def _scripts(scripts: Iterable[list[Record]]) -> list[bytes]:
    return [written(_SITUATION, script) for script in scripts]
