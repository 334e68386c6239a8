"""The auditor: every flow that lets something through is narrow, and somebody's who is there.

What it goes by is the switch's flows and the gateway's own account of what is open; the kinds of
flows are those of `ryu_alg.openflow.cookies`. A pinhole flow has a realm, a protocol, fixed
addresses, a port from 1024 on, and a cookie that leads to what is open now, with the same ends.
Pinholes for one connection have time-outs; media, listening ports and ranges of ports have none,
they last as long as their session wants them. A flow that drops opens nothing, whoever made it.

An address is fixed when it is a whole one. Of who connects, it may be what the gateway shows as the
pinhole's `peers`: some protocols do not tell who will come.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address

from ryu_alg.doctor.flows import Flow
from ryu_alg.doctor.live import OPEN, Live, LivePinhole
from ryu_alg.inspection import Endpoint, Network, Realm, Transport
from ryu_alg.openflow.cookies import Kind, parse

LOWEST_PORT = 1024
_INTERCEPT, _TRACK, _ADMIT, _NEIGHBOUR, _COMMIT, _WATCHED, _HAIRPIN = 1, 2, 3, 5, 8, 10, 11
_BUDGET = 15
"""Tables of docs/pipeline.md."""
_DESTINATION_NAT = re.compile(r"nat\(dst=([^),]+)")
_LETS_THROUGH = re.compile(r"\bct\(commit|\bgoto_table|\boutput|resubmit\(,(?!1[05]\))")
_COUNTS = re.compile(r"meter:\d+")

Wrong = tuple[str, str]
"""What is missing, in a word, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong with a flow."""

    code: str
    """`realm`, `protocol`, `address`, `port`, `timeout`, `state`, `mark`, `cookie`, `account`,
    `foreign`, `missing`."""
    detail: str
    flow: str
    """As ovs-ofctl has it."""

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}: {self.flow}"


@dataclass(frozen=True)
class Auditor:
    """Looks at flows in the light of what is open."""

    live: Live

    def findings(self, flows: Iterable[Flow], *, pipeline_known: bool) -> list[Finding]:
        """What is wrong with `flows`. `pipeline_known`: those that the configuration accounts for
        are not among them, so that one which only says that it is of the pipeline is found, too."""
        return [
            Finding(code, detail, flow.text)
            for flow in flows
            for code, detail in self._wrong(flow, pipeline_known)
        ]

    def _wrong(self, flow: Flow, pipeline_known: bool) -> Iterator[Wrong]:
        if flow.drops:
            return
        purpose = parse(flow.cookie)
        if purpose is None:
            yield "foreign", "neither of the pipeline nor of a session: added by somebody else"
            return
        kind, number = purpose
        check = self._dynamic.get(kind)
        if check is not None and not _static(kind, number, flow):
            yield from check(flow, number)
        elif pipeline_known:
            yield "foreign", "says that it is of the pipeline, which has no such flow"

    @cached_property
    def _dynamic(self) -> dict[Kind, Callable[[Flow, int], Iterator[Wrong]]]:
        """The kinds of flows that come and go, and what they have to be like."""
        return {
            Kind.PINHOLE: self._pinhole,
            Kind.MEDIA: self._media,
            Kind.LISTENER: self._listener,
            Kind.DATA: _counter,
            Kind.OFFLOAD: self._offload,
            Kind.KEPT_PUNT: self._kept_punt,
            Kind.CUT: _cut,
            Kind.NEIGHBOUR: _neighbour,
            Kind.FRAGMENT: _bypass,
            Kind.BUDGET: _budget,
        }

    @cached_property
    def _by_binding(self) -> dict[int, list[LivePinhole]]:
        return self.live.by_binding()

    @cached_property
    def _by_seen(self) -> dict[tuple[Transport, Endpoint], list[LivePinhole]]:
        return self.live.by_seen()

    # -- pinholes of TCP ------------------------------------------------------------------------

    def _pinhole(self, flow: Flow, number: int) -> Iterator[Wrong]:
        pinhole = self.live.pinholes.get(number)
        ranged = pinhole is not None and not pinhole.ends
        second_step = flow.exact("reg6") == number
        """Of a connection that came by the first one."""
        yield from _in_table(flow, _ADMIT)
        yield from _only_new(flow)
        yield from _realm(flow)
        yield from _protocol(flow)
        yield from _whole("destination", flow.destination)
        anybody = pinhole is not None and any(not peer.prefixlen for peer in pinhole.peers)
        if flow.source is None and not second_step and not anybody:
            yield "address", "anybody may connect"
        yield from _port(flow, ranged)
        if not ranged:
            names = ("hard_timeout",) if second_step else ("idle_timeout", "hard_timeout")
            for name in names:
                if not flow.number(name):
                    yield "timeout", f"no {name}"
        if pinhole is None:
            yield "cookie", f"there is no pinhole {number}"
        elif pinhole.state not in OPEN:
            yield "cookie", f"pinhole {number} is {pinhole.state}: nothing of it should be open"
        else:
            if flow.source not in pinhole.peers and flow.source is not None:
                yield "account", f"{flow.source} is no peer of pinhole {number}"
            yield from _accounted(flow, pinhole, ranged)

    # -- UDP data -------------------------------------------------------------------------------

    def _media(self, flow: Flow, number: int) -> Iterator[Wrong]:
        yield from _in_table(flow, _ADMIT)
        yield from _only_new(flow)
        yield from _realm(flow)
        yield from _protocol(flow, Transport.UDP)
        yield from _whole("source", flow.source)
        yield from _whole("destination", flow.destination)
        source, destination = _end(flow, "src"), _end(flow, "dst")
        if flow.realm is Realm.INSIDE:
            if flow.exact("tp_dst") is None:
                yield "port", "to any port"
            yield from _unprivileged(flow, "tp_src")
        else:
            yield from _port(flow)
        paths = self._by_binding.get(number, [])
        if not paths:
            yield "cookie", f"there are no data of a binding {number}"
        elif not any(_on_path(flow, path, source, destination) for path in paths):
            yield "account", f"binding {number} admits something else"

    # -- listening ports ------------------------------------------------------------------------

    def _listener(self, flow: Flow, number: int) -> Iterator[Wrong]:
        if (flow.table == _ADMIT and flow.states("+new")) or flow.table == _HAIRPIN:
            yield from self._admitting(flow, number)
            return
        listener = self.live.listeners.get(number)
        if listener is None:
            yield "cookie", f"there is no listening port {number}"
            return
        yield from _protocol(flow, Transport.UDP)
        marked = flow.exact("ct_mark")
        if marked and flow.table in (_ADMIT, _WATCHED) and flow.states("+est", "+trk"):
            if _LETS_THROUGH.search(flow.actions):
                yield "state", "lets established traffic through by its mark"
        elif _end(flow, "dst") == listener.public and flow.table == _TRACK:
            yield from _from_controller(flow)
        elif _end(flow, "src") == listener.inside:
            if flow.table == _TRACK:
                yield from _from_controller(flow)
            elif flow.table not in (_INTERCEPT, _COMMIT, _WATCHED):
                yield "state", f"there are no such flows in table {flow.table}"
        else:
            yield "address", f"neither from {listener.inside} nor to {listener.public}"

    def _admitting(self, flow: Flow, number: int) -> Iterator[Wrong]:
        """Anybody is let in: that is what a listening port is for."""
        yield from _only_new(flow)
        yield from _realm(flow)
        if flow.table == _ADMIT and flow.realm is Realm.INSIDE:
            yield "realm", "for outside hosts; those inside come by table 11"
        yield from _protocol(flow)
        yield from _whole("destination", flow.destination)
        yield from _port(flow)
        listener, end = self.live.listeners.get(number), _end(flow, "dst")
        if listener is None:
            yield "cookie", f"there is no listening port {number}"
        elif end is not None and end != listener.public:
            yield "account", f"listening port {number} is {listener.public}"
        elif end is not None and flow.transport is not None:
            pinholes = self._by_seen.get((flow.transport, end), [])
            if not any(pinhole.state in OPEN for pinhole in pinholes):
                yield "account", f"nobody is to be let in at {end} now"
            elif not _leads_to(flow, listener.inside, listener.public):
                yield "account", f"leads elsewhere than to {listener.inside}"

    # -- control connections --------------------------------------------------------------------

    def _offload(self, flow: Flow, number: int) -> Iterator[Wrong]:
        yield from _in_table(flow, _INTERCEPT)
        yield from _realm(flow)
        yield from _protocol(flow, Transport.TCP)
        yield from _whole("source", flow.source)
        yield from _whole("destination", flow.destination)
        if flow.exact("tp_src") is None or flow.exact("tp_dst") is None:
            yield "port", "for more than one connection"
        if not flow.number("idle_timeout"):
            yield "timeout", "no idle_timeout"
        yield from self._session(number)

    def _kept_punt(self, flow: Flow, number: int) -> Iterator[Wrong]:
        yield from _in_table(flow, _INTERCEPT)
        if _LETS_THROUGH.search(flow.actions):
            yield "state", "does more than to ask the controller"
        yield from self._session(number)

    def _session(self, number: int) -> Iterator[Wrong]:
        if number not in self.live.sessions:
            yield "cookie", f"there is no session {number}"


def tally(flows: Iterable[Flow]) -> Counter[str]:
    """How many flows there are of each kind that comes and goes, used pinholes' apart."""
    counts: Counter[str] = Counter()
    for flow in flows:
        purpose = parse(flow.cookie)
        kind = "foreign" if purpose is None else purpose[0].name.lower()
        counts["drop" if flow.drops else kind] += 1
    return counts


def _static(kind: Kind, number: int, flow: Flow) -> bool:
    """Whether it says that it is of the pipeline, though others of its kind come and go."""
    if kind is Kind.NEIGHBOUR:
        return flow.table != _NEIGHBOUR
    return kind is Kind.FRAGMENT and not number


# -- what a flow may lack -------------------------------------------------------------------------


def _in_table(flow: Flow, table: int) -> Iterator[Wrong]:
    if flow.table != table:
        yield "state", f"in table {flow.table}, where there are no such flows"


def _only_new(flow: Flow) -> Iterator[Wrong]:
    if not flow.states("+new", "-inv", "+trk"):
        yield "state", "not for connections alone that begin"


def _realm(flow: Flow) -> Iterator[Wrong]:
    if flow.realm is None:
        yield "realm", "from either realm"


def _protocol(flow: Flow, wanted: Transport | None = None) -> Iterator[Wrong]:
    if flow.transport is None:
        yield "protocol", "for any protocol"
    elif wanted not in (None, flow.transport):
        yield "protocol", f"for {flow.transport.name}"


def _whole(what: str, network: Network | None) -> Iterator[Wrong]:
    if network is None:
        yield "address", f"no {what} address"
    elif network.num_addresses != 1:
        yield "address", f"{what} {network} is more than one address"


def _port(flow: Flow, ranged: bool = False) -> Iterator[Wrong]:
    found = flow.masked("tp_dst")
    if found is None:
        yield "port", "to any port"
        return
    value, mask = found
    if not ranged and flow.exact("tp_dst") is None:
        yield "port", "to more than one port"
    elif value & mask < LOWEST_PORT:
        yield "port", f"port {value & mask} is below {LOWEST_PORT}"


def _unprivileged(flow: Flow, name: str) -> Iterator[Wrong]:
    port = flow.exact(name)
    if port is not None and port < LOWEST_PORT:
        yield "port", f"port {port} is below {LOWEST_PORT}"


def _from_controller(flow: Flow) -> Iterator[Wrong]:
    """What the controller sends on has a number in reg3; no packet from a port gets there so."""
    if not flow.exact("reg3"):
        yield "state", "not for what the controller sends on alone"


def _counter(flow: Flow, mark: int) -> Iterator[Wrong]:
    yield from _in_table(flow, _ADMIT)
    yield from _protocol(flow)
    if not mark or flow.exact("ct_mark") != mark:
        yield "mark", f"not for connections alone with the mark {mark:#x}"
    if not flow.states("-inv", "+trk"):
        yield "state", "not for connections alone that conntrack knows"
    if not flow.number("idle_timeout"):
        yield "timeout", "no idle_timeout"


def _cut(_flow: Flow, mark: int) -> Iterator[Wrong]:
    yield "state", f"does not drop what has the mark {mark:#x}"


def _budget(flow: Flow, number: int) -> Iterator[Wrong]:
    yield from _in_table(flow, _BUDGET)
    if flow.exact("reg2") != number:
        yield "realm", f"not from network {number} alone"
    if not _COUNTS.fullmatch(flow.actions):
        yield "state", "does more than to count"


def _neighbour(flow: Flow, number: int) -> Iterator[Wrong]:
    if flow.exact("reg2") != number:
        yield "realm", f"not to network {number} alone"


def _bypass(flow: Flow, _number: int) -> Iterator[Wrong]:
    yield from _in_table(flow, _INTERCEPT)
    yield from _realm(flow)
    yield from _whole("source", flow.source)
    yield from _whole("destination", flow.destination)
    if "nw_frag" not in flow.fields:
        yield "protocol", "not for fragments alone"
    if not flow.number("hard_timeout"):
        yield "timeout", "no hard_timeout"


# -- what the gateway says of it ------------------------------------------------------------------


def _accounted(flow: Flow, pinhole: LivePinhole, ranged: bool) -> Iterator[Wrong]:
    """Whether a pinhole's flow is for what it is said to be for."""
    seen, port = pinhole.seen, flow.exact("tp_dst")
    if flow.transport not in (None, pinhole.transport):
        yield "account", f"pinhole {pinhole.id} is for {pinhole.transport.name}"
    if flow.realm not in (None, pinhole.realm):
        yield "account", f"pinhole {pinhole.id} is for the {pinhole.realm.value} realm"
    address = _address(flow.destination)
    if address is not None and address != seen.address:
        yield "account", f"pinhole {pinhole.id} is at {seen}"
    elif ranged:
        value, mask = flow.masked("tp_dst") or (0, 0)
        if value & mask < seen.port:
            yield "account", f"pinhole {pinhole.id} is at ports from {seen.port} on"
    elif port not in (None, seen.port):
        yield "account", f"pinhole {pinhole.id} is at {seen}"
    if not _leads_to(flow, pinhole.listener, seen):
        yield "account", f"leads elsewhere than to {pinhole.listener}"


def _on_path(
    flow: Flow, path: LivePinhole, source: Endpoint | None, destination: Endpoint | None
) -> bool:
    if path.remote is None:
        return False
    if flow.realm is Realm.INSIDE:
        from_inside = path.listener if path.listener.port else None
        if _address(flow.source) != path.listener.address or source != from_inside:
            return False
        return destination == path.remote
    if not path.listener.port:
        return False  # nobody outside can be first
    known = source in (None, path.remote) and _address(flow.source) == path.remote.address
    return known and destination == path.seen and _leads_to(flow, path.listener, path.seen)


def _leads_to(flow: Flow, listener: Endpoint, seen: Endpoint) -> bool:
    """Whether a connection to `seen` gets where it should."""
    found = _DESTINATION_NAT.search(flow.actions)
    if found is None:
        commits = "ct(commit" in flow.actions
        return seen == listener or not commits
    # Of a range, each port leads to its equal.
    return found.group(1) in (str(listener), str(listener.address))


def _end(flow: Flow, which: str) -> Endpoint | None:
    """The source ("src") or the destination ("dst"), if both address and port are fixed."""
    address = _address(flow.source if which == "src" else flow.destination)
    port = flow.exact(f"tp_{which}")
    return None if address is None or port is None else Endpoint(address, port)


def _address(network: Network | None) -> IPv4Address | IPv6Address | None:
    return None if network is None or network.num_addresses != 1 else network.network_address
