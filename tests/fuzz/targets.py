"""Everything that is fuzzed, by name."""

from __future__ import annotations

from typing import Any, Protocol

from ryu_alg.protocols import bittorrent, ftp, irc, rtsp, sip, tftp, xmpp
from tests.fuzz import datagrams, seeds, streams
from tests.fuzz.configuration import Configuration
from tests.fuzz.frames import Decoder, Fragments
from tests.fuzz.requests import Requests
from tests.fuzz.segments import Editor
from tests.fuzz.site import Rules
from tests.fuzz.user_agent import answer


class Target(Protocol):
    """What takes any bytes, and raises nothing unless something is wrong."""

    def run(self, data: bytes) -> object:
        """Raises whatever is wrong."""

    def seeds(self) -> list[bytes]:
        """Inputs to begin with."""


BOTH_SIDES = Rules(two_sided=True)
ONE_SIDE = Rules(two_sided=False)
ANYBODY = Rules(two_sided=False, anybody=True)
"""An offer opens before it leaves, and does not tell who will connect."""

_ftp = ftp.FtpOptions
_FTP = (
    _ftp(),
    _ftp(auth="allow", foreign_port="replace", foreign_pasv="replace"),
    _ftp.model_validate({"profile": "read-only"}),
    _ftp.model_validate({"rules": [{"action": "deny", "users": "root"}]}),
)
_bittorrent = bittorrent.PROTOCOL.options.model_validate
_BITTORRENT = (
    _bittorrent({"hosts": ["0.0.0.0/0", "::/0"]}),
    _bittorrent({"hosts": ["0.0.0.0/0", "::/0"], "torrents": 2, "peers": 2}),
)
_sip = sip.SipOptions.model_validate
_TRANSPARENT = (_sip({}), _sip({"rewrite_identity": True, "calls_per_host": 1}))
_B2BUA = (_sip({"mode": "b2bua"}), _sip({"mode": "b2bua", "calls_per_host": 1}))
_TFTP = (tftp.TftpOptions(), tftp.TftpOptions.model_validate({"transfers_per_host": 3}))
_XMPP = (
    xmpp.XmppOptions(),
    xmpp.XmppOptions.model_validate({"starttls": "strip", "other_hosts": "remove"}),
    xmpp.XmppOptions.model_validate({"starttls": "strip"}),
)
_RTSP = (
    rtsp.RtspOptions(),
    rtsp.RtspOptions.model_validate({"rules": [{"action": "deny", "methods": "RECORD"}]}),
)
_IRC = (irc.IrcOptions(), irc.IrcOptions.model_validate({"deny_files": ["*.exe"]}))


def _sip_stream(options: tuple[Any, ...]) -> Target:
    return streams.Target(sip.PROTOCOL, options, BOTH_SIDES, 5060, seeds.sip_streams, answer)


def _sip_datagrams(options: tuple[Any, ...]) -> Target:
    return datagrams.Target(
        sip.PROTOCOL, options, BOTH_SIDES, 5060, 5060, seeds.sip_datagrams, answer
    )


TARGETS: dict[str, Target] = {
    "ftp": streams.Target(ftp.PROTOCOL, _FTP, BOTH_SIDES, 21, seeds.ftp),
    "irc": streams.Target(irc.PROTOCOL, _IRC, ANYBODY, 6667, seeds.irc),
    "rtsp": streams.Target(rtsp.PROTOCOL, _RTSP, BOTH_SIDES, 554, seeds.rtsp),
    "xmpp": streams.Target(xmpp.PROTOCOL, _XMPP, ANYBODY, 5222, seeds.xmpp),
    "bittorrent": streams.Target(
        bittorrent.PROTOCOL, _BITTORRENT, BOTH_SIDES, 6969, seeds.bittorrent
    ),
    "sip-tcp": _sip_stream(_TRANSPARENT),
    "sip-udp": _sip_datagrams(_TRANSPARENT),
    "b2bua-tcp": _sip_stream(_B2BUA),
    "b2bua-udp": _sip_datagrams(_B2BUA),
    "tftp": datagrams.Target(tftp.PROTOCOL, _TFTP, ONE_SIDE, 69, 4000, seeds.tftp),
    "bittorrent-udp": datagrams.Target(
        bittorrent.PROTOCOL, _BITTORRENT, BOTH_SIDES, 6969, 6881, seeds.bittorrent_datagrams
    ),
    "editor": Editor(),
    "frames": Decoder(seeds.frames),
    "fragments": Fragments(),
    "configuration": Configuration(),
    "rest": Requests(),
}
