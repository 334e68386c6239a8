"""Where switches connect to: plain TCP, or TLS with certificates on both sides.

Takes the place of Ryu's own server, which listens on every address, takes a single TLS
connection and fails at the next, and lets anybody have any number of connections.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from socket import AF_INET, AF_INET6, SocketType
from typing import Any

import eventlet
from ryu import cfg
from ryu.controller import controller
from ryu.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER
from ryu.lib import hub

from ryu_alg.openflow.certificates import Certificates, TransportError
from ryu_alg.openflow.channel import Channel
from ryu_alg.openflow.messages import GarbageError

LOG = logging.getLogger("ryu_alg")

HANDSHAKE = 5.0
"""Seconds for TLS, and then for OpenFlow until the switch has said who it is."""
PER_HOST, IN_ALL = 8, 64
"""Connections at a time. A switch has one, and for a moment two."""
TOLD_EVERY = 1.0
"""Seconds between two that are refused for the same reason, and told; the rest are counted."""
PAUSE = 1.0
"""Seconds after an accept that failed; as when there are no more file descriptors."""

Address = tuple[Any, ...]
"""As sockets have it: host, port, and more with IPv6."""
Refused = Callable[[str, str], None]
"""Called with a code and what happened."""


def listen_at(host: str, port: int, certificates: Certificates | None, refused: Refused) -> None:
    """Have Ryu wait for switches there. To be called before it starts: while applications do.

    Ryu's own options come first where somebody has set them. Raises TransportError.
    """
    options = cfg.CONF
    certificates = certificates or _certificates_of_options()
    if certificates is None:
        used, unused = "ofp_tcp_listen_port", "ofp_ssl_listen_port"
        why = "there are no certificates (openflow.tls)"
    else:
        used, unused = "ofp_ssl_listen_port", "ofp_tcp_listen_port"
        why = "where there are certificates, nothing listens over plain TCP"
        certificates.context()
    if _is_set(unused):
        raise TransportError(f"--{unused.replace('_', '-')}: {why}")
    if not _is_set("ofp_listen_host"):
        options.set_override("ofp_listen_host", host)
    if not _is_set(used):
        options.set_override(used, port)
    server = _Server(options.ofp_listen_host, options[used], certificates, refused)
    controller.OpenFlowController.server_loop = lambda _self, _tcp_port, _tls_port: server.serve()
    # For --ofp-switch-address-list: switches that are connected to.
    controller.datapath_connection_factory = server.converse


def _is_set(option: str) -> bool:
    """On the command line, or in Ryu's configuration file."""
    location = cfg.CONF.get_location(option)
    return location is not None and location.location.is_user_controlled


def _certificates_of_options() -> Certificates | None:
    options = cfg.CONF
    files = (options.ctl_cert, options.ctl_privkey, options.ca_certs)
    if not any(files):
        return None
    if not all(files):
        raise TransportError("--ctl-cert, --ctl-privkey and --ca-certs go together")
    return Certificates(*map(Path, files))


def is_exposed(datapath: Any) -> bool:
    """Whether others than this machine can read and change what the switch is told."""
    if isinstance(datapath.socket, _TlsConnection):
        return False
    return not ip_address(datapath.address[0]).is_loopback


class _Server:
    def __init__(
        self, host: str, port: int, certificates: Certificates | None, refused: Refused
    ) -> None:
        self._where = host, port
        self._certificates = certificates
        self._refused = refused
        self._told: dict[str, float] = {}
        self._untold: Counter[str] = Counter()
        self._connected: Counter[str] = Counter()
        """Connections by host."""

    def serve(self) -> None:
        family = AF_INET6 if ":" in self._where[0] else AF_INET
        listener = eventlet.listen(self._where, family)
        while True:
            try:
                connection, address = listener.accept()
            except OSError as error:
                LOG.error("cannot accept an OpenFlow connection: %s", error)
                hub.sleep(PAUSE)
                continue
            host = address[0]
            if self._connected[host] >= PER_HOST or self._connected.total() >= IN_ALL:
                connection.close()
                self._refuse("switch.too_many", f"connections of {host}")
                continue
            self._connected[host] += 1
            hub.spawn(self._connection, connection, address)

    def _connection(self, connection: Any, address: Address) -> None:
        try:
            secured = self._secured(connection, address)
            if secured is not None:
                self.converse(secured, address)
        finally:
            self._connected -= Counter([address[0]])

    def _secured(self, connection: Any, address: Address) -> Any:
        """What to go on with; None if that is nobody to talk to."""
        if self._certificates is None:
            return connection
        try:
            # The files are read for each connection, so that renewed ones count at once.
            context = self._certificates.context()
            secured = context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        except (TransportError, OSError) as error:
            connection.close()
            self._refuse("switch.tls_unusable", str(error))
            return None
        try:
            with eventlet.Timeout(HANDSHAKE, TimeoutError(f"no answer within {HANDSHAKE:g} s")):
                secured.do_handshake()
        except OSError as error:
            secured.close()
            self._refuse("switch.tls_refused", f"{address[0]}: {_reason(error)}")
            return None
        return _TlsConnection(secured)

    def converse(self, connection: Any, address: Address) -> None:
        """Speak OpenFlow, until one of the two ends it."""
        with closing(Channel(connection, address)) as channel:
            limit = hub.spawn_after(HANDSHAKE, _give_up, channel)
            try:
                channel.serve()
            except GarbageError as error:
                self._refuse("switch.garbage", f"{address[0]}: {error}")
            finally:
                limit.cancel()

    def _refuse(self, code: str, detail: str) -> None:
        now = time.monotonic()
        if now < self._told.get(code, 0.0) + TOLD_EVERY:
            self._untold[code] += 1
            return
        self._told[code] = now
        untold = self._untold.pop(code, 0)
        self._refused(code, f"{detail}, and {untold} before" if untold else detail)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return error.strerror or str(error) or "it has gone away"


def _give_up(datapath: Any) -> None:
    """On a switch that has not said who it is."""
    if datapath.state not in (MAIN_DISPATCHER, DEAD_DISPATCHER):
        datapath.close()


class _TlsConnection:
    """A TLS socket as Ryu's loops need one."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def shutdown(self, how: int) -> None:
        """Ryu ends only one half, and reads on. That of an SSLSocket would have ended TLS for
        both, and raise ValueError in whoever is reading."""
        SocketType.shutdown(self._connection, how)
