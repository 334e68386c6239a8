"""A switch's connection: Ryu's Datapath with loops of its own, for large reads and joined writes.

Ryu reads each message in two pieces, makes an object and an event of it, and queues what is sent
for another green thread that writes one message at a time. Here one read brings many messages.
Those that somebody takes (see `take_over`) go straight there; all others go Ryu's way, as ever, to
its applications. What is sent while messages of one read are handled leaves in one piece.

What a taker leaves to be done in its turn (see `Channel.in_turn`) waits while that of others comes
first. What comes meanwhile is read all the same.
"""

from __future__ import annotations

import logging
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any, ClassVar

import eventlet.hubs
from eventlet.greenthread import getcurrent
from eventlet.hubs import trampoline
from ryu import cfg
from ryu.controller import controller, ofp_event
from ryu.controller.handler import DEAD_DISPATCHER, HANDSHAKE_DISPATCHER, MAIN_DISPATCHER
from ryu.lib import hub
from ryu.ofproto import ofproto_parser

from ryu_alg.openflow.fair_queue import FairQueue
from ryu_alg.openflow.messages import VERSION, GarbageError

LOG = logging.getLogger("ryu_alg")

AT_ONCE = 32
"""Messages that are handled before others have their turn, and before the answers leave."""
MOMENT = 0.001
"""Seconds of processor time for what has waited, until it is looked what has come meanwhile."""
ROOM = 1 << 18
"""Bytes that may wait to be sent: above that, nothing is read, and `send` waits."""
MOST_UNSENT = 1 << 25
"""Bytes, at which a switch that does not read has had its time."""

_HEADER = struct.Struct("!BBHI")
_LONGEST = 0xFFFF
"""Bytes of a message: its length has 16 bits."""
_BUFFER = 2 * (_LONGEST + 1)
_PIECE = 1 << 16
"""Bytes that are offered to a socket that was full."""
_TLS_PAUSE = 0.01
"""Seconds, where TLS has to do with itself first (RFC 8446 section 4.6.3)."""
_BUSY = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

Taker = Callable[[Any, bytes], bool]
"""Called with a datapath and a message, in the green thread that reads: whether it was for the
taker. It must not wait for anything. Raises GarbageError."""


def take_over(takers: Mapping[int, Taker]) -> None:
    """Have `takers`, by type of message, asked before Ryu about what comes in OpenFlow 1.3 through
    any `Channel`. Replaces what an earlier call set."""
    Channel.takers = takers


class Channel(controller.Datapath):
    """A Datapath of Ryu's, whose `send` and attributes are as Ryu's applications know them."""

    takers: ClassVar[Mapping[int, Taker]] = {}
    send_q: Any
    """Ryu's own, unused; None once nothing can be sent any more."""

    def __init__(self, connection: Any, address: Any) -> None:
        self._waiting: FairQueue[Callable[[], object]] = FairQueue()
        self._nothing_behind = False
        """Nothing that was read waits behind the message that is being handled."""
        self._reader: Any = None
        self._unsent: deque[bytes | memoryview] = deque()
        self._unsent_size = 0
        self._full = hub.Event()
        """Set while the socket takes no more: then the green thread that sends has its turn."""
        self._has_room = hub.Event()
        self._has_room.set()
        self._last_is_queued = False
        super().__init__(connection, address)
        self.socket.settimeout(0)  # it is waited for here, and not in there

    # -- what comes -----------------------------------------------------------------------------

    def _recv_loop(self) -> None:
        """Until the connection ends. Raises GarbageError."""
        self._reader = getcurrent()
        arrivals = _Arrivals(self.socket)
        buffer = bytearray(_BUFFER)
        view = memoryview(buffer)
        start = end = 0
        try:
            while self.state != DEAD_DISPATCHER:
                if end > _LONGEST:
                    buffer[: end - start] = buffer[start:end]
                    start, end = 0, end - start
                size = arrivals.read_now(view[end:]) if self._waiting else arrivals.read(view[end:])
                if size == 0:
                    return
                if size is not None:
                    end += size
                    start = self._handle(view, start, end)
                    if start == end:
                        start = end = 0
                self._serve()
                self._flush()
                self._has_room.wait()
                if self._waiting:
                    hub.sleep(0)
        finally:
            self._reader = None
            arrivals.close()
            with suppress(OSError):
                self.socket.close()

    def _handle(self, view: memoryview, start: int, end: int) -> int:
        """All whole messages in there, in order: where the rest begins."""
        takers = self.takers
        at, handled = start, 0
        while end - at >= _HEADER.size and self.state != DEAD_DISPATCHER:
            version, kind, size, xid = _HEADER.unpack_from(view, at)
            if size < _HEADER.size:
                raise GarbageError(f"a message of {size} bytes")
            if at + size > end:
                self._parser(version)
                break
            message = bytes(view[at : at + size])
            at += size
            self._nothing_behind = at == end
            taker = takers.get(kind)
            if taker is None or version != VERSION or not self._taken(taker, message):
                self._flush()
                self._go_ryus_way(version, kind, xid, message)
            handled += 1
            if not handled % AT_ONCE:
                self._flush()
                hub.sleep(0)
                self._has_room.wait()
        return at

    def in_turn(self, sender: bytes, work: Callable[[], object], size: int) -> Sequence[bytes]:
        """For a taker: have `work` done, which is about a packet of `size` bytes, when it is the
        sender's turn; at once if nothing else waits. Whose work was dropped, see `FairQueue`."""
        if self._nothing_behind and not self._waiting:
            work()
            return ()
        return self._waiting.put(sender, work, size)

    @property
    def shed(self) -> int:
        """How much was dropped since nothing waited."""
        return self._waiting.shed

    def _serve(self) -> None:
        """What has waited, by turns, for a moment."""
        waiting = self._waiting
        if not waiting:
            return
        now = time.thread_time()
        over = now + MOMENT
        while waiting and now < over and self.state != DEAD_DISPATCHER:
            sender, work = waiting.take()
            began = now
            try:
                work()
            except GarbageError:
                raise
            except Exception:
                LOG.exception("a packet from %s that has waited", self.address)
            now = time.thread_time()
            waiting.took(sender, now - began)

    def _taken(self, taker: Taker, message: bytes) -> bool:
        try:
            return taker(self, message)
        except GarbageError:
            raise
        except Exception:  # that message's matter, and not the connection's
            LOG.exception("a message of %d bytes from %s", len(message), self.address)
            return True

    def _go_ryus_way(self, version: int, kind: int, xid: int, message: bytes) -> None:
        """See `controller.Datapath._recv_loop`."""
        parser = self._parser(version)
        try:
            parsed = parser(self, version, kind, len(message), xid, bytearray(message))
        except Exception as error:
            what = f"type {kind}, {len(message)} bytes: {type(error).__name__}"
            if self.state != MAIN_DISPATCHER:
                raise GarbageError(what) from error
            LOG.warning("a message from %s that Ryu cannot read: %s", self.address[0], what)
            return
        if not parsed:
            return
        event = ofp_event.ofp_msg_to_ev(parsed)
        self.ofp_brick.send_event_to_observers(event, self.state)
        state = self.state
        handlers = [
            handler
            for handler in self.ofp_brick.get_handlers(event)
            if state in handler.callers[event.__class__].dispatchers
        ]
        for handler in handlers:
            handler(event)

    def _parser(self, version: int) -> Any:
        """Of Ryu's. The version is agreed upon by handshake. Raises GarbageError."""
        parser = ofproto_parser._MSG_PARSERS.get(version)
        agreed = version == self.ofproto.OFP_VERSION or self.state == HANDSHAKE_DISPATCHER
        if parser is None or not agreed:
            raise GarbageError(f"a message of version {version}")
        return parser

    # -- what is sent ---------------------------------------------------------------------------

    def send(self, buf: bytes, close_socket: bool = False) -> bool:
        """Send, once there is room; False: nothing can be sent any more. `close_socket`: it is
        the last."""
        if not self._has_room.is_set():
            self._flush()
            self._has_room.wait()
        return self.write(bytes(buf), close_socket)

    def write(self, data: bytes, last: bool = False) -> bool:
        """The same without waiting, for whoever sends no more than an answer to what comes: while
        there is no room, nothing is read."""
        if self.send_q is None or self._last_is_queued:
            return False
        if self._unsent_size > MOST_UNSENT:
            LOG.warning("%s does not read what it is sent", self.address[0])
            self.close()
            return False
        self._unsent.append(data)
        self._unsent_size += len(data)
        if self._unsent_size > ROOM:
            self._has_room.clear()
        self._last_is_queued = last
        if getcurrent() is not self._reader:
            self._flush()
        return True

    def _flush(self) -> None:
        """Send what the socket takes at once."""
        if self._unsent and not self._full.is_set():
            self._send_some()
            if self._unsent:
                self._full.set()

    def _send_some(self) -> int:
        """Send a piece of what is unsent: how many bytes the socket has taken of it."""
        unsent = self._unsent
        if len(unsent) == 1:
            piece = unsent.popleft()
        else:
            pieces, size = [], 0
            while unsent and size < _PIECE:
                pieces.append(unsent.popleft())
                size += len(pieces[-1])
            piece = b"".join(pieces)
        try:
            sent = int(self.socket.send(piece))
        except _BUSY:
            sent = 0
        except OSError as error:
            LOG.debug("cannot send to %s: %s", self.address, error)
            self.close()
            return 0
        if sent < len(piece):
            # What TLS was offered once it must be offered again, as it was, or longer.
            unsent.appendleft(memoryview(piece)[sent:])
        self._unsent_size -= sent
        if self._unsent_size <= ROOM and not self._has_room.is_set():
            self._has_room.set()
        if self._last_is_queued and not unsent:
            self._end_sending()
            self._close_write()
        return sent

    def _send_loop(self) -> None:
        """What the socket did not take at once."""
        while self.send_q is not None:
            self._full.wait()
            while self._unsent:
                try:
                    trampoline(
                        self.socket,
                        write=True,
                        timeout=cfg.CONF.socket_timeout,
                        timeout_exc=TimeoutError("it does not read"),
                    )
                except OSError as error:
                    LOG.debug("cannot send to %s: %s", self.address, error)
                    self.close()
                    return
                if not self._send_some() and self._unsent:
                    hub.sleep(_TLS_PAUSE)
            self._full.clear()

    # -- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """Send nothing more; the connection ends when the switch ends it, or some seconds later."""
        if self.state != DEAD_DISPATCHER and self._reader is not None:
            hub.spawn_after(cfg.CONF.socket_timeout, self._hang_up)
        super().close()
        self._end_sending()

    def _end_sending(self) -> None:
        self.send_q = None
        self._unsent.clear()
        self._unsent_size = 0
        self._full.set()
        self._has_room.set()

    def _hang_up(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(SHUT_RDWR)


class _Arrivals:
    """Reads from a socket that does not block, for one green thread.

    The event loop is told once that it is waited for, and not before each read: that would be two
    more system calls for each message where only one is on its way.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._pending: Callable[[], int] = getattr(connection, "pending", lambda: 0)
        """Bytes that TLS has decrypted; the socket knows nothing of them."""
        self._hub = eventlet.hubs.get_hub()
        self._thread = getcurrent()
        self._listener: Any = None
        self._waits = False

    def read(self, room: memoryview) -> int:
        """How many bytes have come; 0 at the end. Others have their turn meanwhile."""
        while True:
            try:
                if not self._pending():
                    self._wait()
                return int(self._connection.recv_into(room))
            except ssl.SSLWantWriteError:
                hub.sleep(_TLS_PAUSE)
            except _BUSY:
                continue
            except (OSError, EOFError):
                return 0

    def read_now(self, room: memoryview) -> int | None:
        """The same, but nobody has a turn: None, if nothing has come."""
        try:
            return int(self._connection.recv_into(room))
        except _BUSY:
            return None
        except (OSError, EOFError):
            return 0

    def close(self) -> None:
        """Before the socket is."""
        if self._listener is not None:
            self._hub.remove(self._listener)
            self._listener = None

    def _wait(self) -> None:
        if self._listener is None:
            self._listener = self._hub.add(
                self._hub.READ,
                self._connection.fileno(),
                self._arrived,
                self._thread.throw,
                None,
            )
        self._waits = True
        try:
            self._hub.switch()
        finally:
            self._waits = False

    def _arrived(self, _descriptor: int) -> None:
        if self._waits:
            self._thread.switch()
        else:
            self.close()  # it waits for something else, and would be told all the time
