"""A BitTorrent client made of libtorrent, told on its standard input what to do, as JSON; it says
what happens.

`/usr/bin/python3 peer.py ENDPOINT SETTINGS`; Debian's interpreter, for its libtorrent. ENDPOINT is
where it listens, SETTINGS an object of libtorrent's settings. At the end of its input it leaves its
torrents, waits until their trackers have heard of it, and ends.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import libtorrent  # type: ignore[import-not-found]  # Debian has it, .venv has not

_Category = libtorrent.alert.category_t
_SETTINGS = {
    "alert_mask": _Category.status_notification
    | _Category.error_notification
    | _Category.tracker_notification
    | _Category.connect_notification
    | _Category.dht_notification
    | _Category.storage_notification,
    "alert_queue_size": 100_000,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_dht": False,
    # One that cannot listen where it was told to says so, and does not listen elsewhere.
    "max_retry_port_bind": 0,
    "listen_system_port_fallback": False,
    # Several clients may be behind one address, and one that was not there may be there soon.
    "allow_multiple_connections_per_ip": True,
    "min_reconnect_time": 1,
    # Those who have everything stay, to be asked about.
    "close_redundant_connections": False,
    # All of a lab's DHT is in a few networks, of addresses that are nobody's.
    "dht_bootstrap_nodes": "",
    "dht_restrict_routing_ips": False,
    "dht_restrict_search_ips": False,
    "dht_enforce_node_id": False,
    "dht_prefer_verified_node_ids": False,
    "dht_ignore_dark_internet": False,
    "dht_block_ratelimit": 1_000,
}
_UTP_SOCKET = 1 << 17
"""Of peer_info's flags; the Python binding does not name it."""
_STOPPED = 3
"""Of a tracker_announce's events."""
_FAREWELL_SECONDS = 10.0
_print = threading.Lock()


def say(event: str, **what: object) -> None:
    with _print:
        print(json.dumps({"event": event, **what}), flush=True)


def text(endpoint: tuple[str, int]) -> str:
    address, port = endpoint
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Orders:
    """What the client can be told to do."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._torrents: dict[str, Any] = {}

    def add(
        self, torrent: str, directory: str, trackers: list[str], seed: bool, flags: list[str]
    ) -> None:
        """Take part in a torrent, by its file; its content is, or shall be, in `directory`."""
        wanted = libtorrent.add_torrent_params()
        wanted.ti = libtorrent.torrent_info(torrent)
        wanted.save_path = directory
        wanted.trackers = trackers
        wanted.flags = libtorrent.torrent_flags.override_trackers
        for flag in [*flags, *(["seed_mode"] if seed else [])]:
            wanted.flags |= getattr(libtorrent.torrent_flags, flag)
        self._torrents[wanted.ti.name()] = self._session.add_torrent(wanted)

    def peers(self, name: str) -> None:
        """Say who is connected, which way, and what came and went."""
        info = libtorrent.peer_info
        peers = [
            {
                "endpoint": text(peer.ip),
                "outgoing": bool(peer.flags & info.outgoing_connection),
                "transport": "utp" if peer.flags & _UTP_SOCKET else "tcp",
                "encrypted": bool(peer.flags & info.rc4_encrypted),
                "sent": peer.total_upload,
                "received": peer.total_download,
            }
            for peer in self._torrents[name].get_peer_info()
            if not peer.flags & (info.connecting | info.handshake)
        ]
        say("peers", name=name, peers=peers)

    def announce_dht(self, name: str) -> None:
        """Ask the DHT for peers and tell it of this one, now."""
        self._torrents[name].force_dht_announce()

    def obey(self) -> None:
        """Do what the standard input says, to its end."""
        for line in sys.stdin:
            order = json.loads(line)
            getattr(self, order.pop("what"))(**order)

    def leave(self) -> None:
        """Leave all torrents, and tell their trackers."""
        for torrent in self._torrents.values():
            torrent.unset_flags(libtorrent.torrent_flags.auto_managed)
            torrent.pause()


class Trackers:
    """What was said to trackers. libtorrent does not tell them that it leaves while they have not
    answered to something else, nor when its session is ended at once."""

    def __init__(self) -> None:
        self.asked: set[tuple[str, str]] = set()
        """Torrent and URL, where there is no answer yet."""
        self.told: set[tuple[str, str]] = set()
        """Those that take the client to be there."""
        self._left: set[tuple[str, str]] = set()

    def heed(self, alert: Any) -> None:
        """Note what concerns a tracker."""
        match alert.what():
            case "tracker_announce":
                self.asked.add((alert.torrent_name, alert.url))
                if alert.event == _STOPPED:
                    self._left.add((alert.torrent_name, alert.url))
            case "tracker_reply" | "tracker_error" as answer:
                tracker = (alert.torrent_name, alert.url)
                self.asked.discard(tracker)
                if answer == "tracker_reply" and tracker not in self._left:
                    self.told.add(tracker)
                else:
                    self.told.discard(tracker)


def meaning(alert: Any) -> Iterator[tuple[str, dict[str, object]]]:
    """What an alert says that matters here."""
    match alert.what():
        case "listen_succeeded":
            yield (
                "listening",
                {"endpoint": text((alert.address, alert.port)), "socket": str(alert.socket_type)},
            )
        case "listen_failed" | "torrent_error" | "file_error" | "udp_error" | "alerts_dropped":
            yield "trouble", {"message": alert.message()}
        case "tracker_reply":
            yield "tracker", {"url": alert.url, "peers": alert.num_peers}
        case "tracker_error":
            yield (
                "tracker_error",
                {"url": alert.url, "reason": alert.failure_reason(), "message": alert.message()},
            )
        case "peer_connect":
            # Only its text says which way, and by what: "incoming connection to peer (uTP)".
            said = alert.message()
            yield (
                "connected",
                {
                    "endpoint": text(alert.endpoint),
                    "outgoing": "outgoing connection" in said,
                    "transport": "utp" if "(uTP)" in said else "tcp",
                },
            )
        case "peer_disconnected":
            yield "disconnected", {"endpoint": text(alert.endpoint), "message": alert.message()}
        case "torrent_finished":
            # The last pieces have been received, and need not have been written.
            alert.handle.flush_cache()
        case "cache_flushed" if alert.handle.is_valid() and alert.handle.status().is_finished:
            yield "finished", {"name": alert.torrent_name}
        case "dht_bootstrap":
            yield "bootstrapped", {}
        case "dht_announce":
            yield (
                "dht_announce",
                {"endpoint": text((alert.ip, alert.port)), "hash": str(alert.info_hash)},
            )
        case "dht_reply":
            yield "dht_peers", {"peers": alert.num_peers}


def main(endpoint: str, settings: str) -> None:
    session = libtorrent.session(
        {**_SETTINGS, "listen_interfaces": endpoint, **json.loads(settings)}
    )
    orders, trackers = Orders(session), Trackers()
    obeying = threading.Thread(target=orders.obey)
    obeying.start()

    def attend(condition: Callable[[], object], seconds: float = math.inf) -> None:
        """Say what happens as long as that holds, but for no longer."""
        until = time.monotonic() + seconds
        while condition() and time.monotonic() < until:
            session.wait_for_alert(100)
            for alert in session.pop_alerts():
                trackers.heed(alert)
                for event, what in meaning(alert):
                    say(event, **what)

    attend(obeying.is_alive)
    attend(lambda: trackers.asked, _FAREWELL_SECONDS)
    orders.leave()
    attend(lambda: trackers.told, _FAREWELL_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
