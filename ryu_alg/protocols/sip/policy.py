"""Which request of whom may pass, and what the sender of a denied one is told."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Address, Realm
from ryu_alg.inspection.addresses import within
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.options import MethodRule, SipOptions

_RETRY_AFTER = 10
_NEVER_DENIED = frozenset({"ACK", "CANCEL"})
"""They end or confirm what an INVITE began, and there is no response to an ACK."""


@dataclass(frozen=True, slots=True)
class Denial:
    """A request does not pass."""

    status: int
    reason: str
    code: str
    """Of the Report."""
    detail: str
    retry_after: int | None = None
    """Seconds."""

    @staticmethod
    def forbidden(code: str, detail: str) -> Denial:
        """For good."""
        return Denial(403, "Forbidden", code, detail)

    @staticmethod
    def overload(code: str, detail: str) -> Denial:
        """For now. (429 is not of any use: in SIP it is about referrers, RFC 3892.)"""
        return Denial(503, "Service Unavailable", code, detail, _RETRY_AFTER)


def denial(
    options: SipOptions, request: Message, origin: Realm, host: Address, peer: Address
) -> Denial | None:
    """Why a request of `origin` between an inside host and its peer may not pass."""
    method = request.method.upper()
    if method in _NEVER_DENIED:
        return None
    for rule in options.rules:
        if _fits(rule, method, origin, host, peer):
            if rule.action == "allow":
                break
            return Denial.forbidden("sip.policy.denied", f"{_shown(method)} by rule")
    if origin is Realm.INSIDE:
        if method == "REGISTER" and options.registrars and not within(peer, options.registrars):
            return Denial.forbidden("sip.policy.registrar", f"{peer} is no registrar")
        return None
    known = (*options.registrars, *options.trunks)
    if request.to_tag is None and known and not within(peer, known):
        return Denial.forbidden(
            "sip.policy.trunk", f"{_shown(method)} from {peer}, which is no trunk"
        )
    return None


def _shown(method: str) -> str:
    """A method as it may be shown: anybody may invent one of any length."""
    return method[:32]


def _fits(rule: MethodRule, method: str, origin: Realm, host: Address, peer: Address) -> bool:
    if rule.methods and method not in rule.methods:
        return False
    if rule.sender not in ("any", origin.value):
        return False
    if rule.hosts and not within(host, rule.hosts):
        return False
    return not rule.peers or within(peer, rule.peers)
