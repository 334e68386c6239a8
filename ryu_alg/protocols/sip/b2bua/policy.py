"""Which request may begin something, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import unquote

from ryu_alg.inspection.addresses import within
from ryu_alg.protocols.sip.b2bua.calls import Arrival, Calls
from ryu_alg.protocols.sip.b2bua.options import B2buaOptions, CallRule
from ryu_alg.protocols.sip.limits import Rate
from ryu_alg.protocols.sip.message import Message, RequestLine
from ryu_alg.protocols.sip.uris import Uri


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may be."""

    rule: int | None = None
    """Index of the rule that says so."""
    time_limit: int | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not."""

    status: int
    code: str
    detail: str


class CallPolicy:
    """Decides with the rules, and with what is going on."""

    def __init__(self, options: B2buaOptions) -> None:
        self._options = options
        rate = options.calls_per_second
        self._rate = None if rate is None else Rate(rate)

    def decide(self, arrival: Arrival, calls: Calls, now: float) -> Allowed | Denied:
        """Whether a request outside a call, or one that is no part of its course, may pass."""
        request = arrival.request
        method = request.method.upper()
        begins_call = method == "INVITE" and request.to_tag is None
        if begins_call and calls.full("INVITE"):
            return Denied(503, "sip.limit.calls", f"{calls.limit} calls")
        if begins_call and self._rate is not None and not self._rate.take(now):
            return Denied(503, "sip.limit.call_rate", "too many new calls")
        for index, rule in enumerate(self._options.rules):
            if not _fits(rule, arrival):
                continue
            if rule.action == "deny":
                return Denied(rule.status, "sip.policy.denied", f"{method[:32]} by rule {index}")
            if begins_call and rule.calls is not None:
                running = sum(call.rule == index for call in calls)
                if running >= rule.calls:
                    detail = f"{running} calls by rule {index}"
                    return Denied(503, "sip.limit.calls", detail)
            return Allowed(index, rule.time_limit or self._options.time_limit)
        return Allowed(None, self._options.time_limit)


def _fits(rule: CallRule, arrival: Arrival) -> bool:
    request = arrival.request
    if rule.methods and request.method.upper() not in rule.methods:
        return False
    address = arrival.path.other_end.address
    if rule.sources and not within(address, rule.sources):
        return False
    if rule.callers and not _matches(rule, rule.callers, _who(request, request.sender.uri)):
        return False
    assert isinstance(request.line, RequestLine)
    return not rule.callees or _matches(rule, rule.callees, _who(request, request.line.uri))


def _who(request: Message, uri: Uri) -> list[str]:
    """The ways in which a URI can be said: as it is, and unescaped."""
    if uri.where is None:
        text = request.raw[slice(*uri.span)].partition(b":")[2]
    else:
        user = (uri.user or b"").partition(b":")[0].partition(b";")[0]
        text = (user + b"@" if user else b"") + uri.where.host.lower()
    plain = text.decode("utf-8", "surrogateescape")
    return [plain, unquote(plain, errors="surrogateescape")]


def _matches(rule: CallRule, patterns: Iterable[str], texts: list[str]) -> bool:
    """Whoever is in doubt errs towards denial: a rule that allows must fit all spellings."""
    found = [any(_like(text, pattern) for pattern in patterns) for text in texts]
    return all(found) if rule.action == "allow" else any(found)


def _like(text: str, pattern: str) -> bool:
    """A pattern without a host is about users alone. Case does not count."""
    if "@" not in pattern:
        text = text.partition("@")[0]
    return fnmatchcase(text.casefold(), pattern.casefold())
