"""Outbound rules: about networks that exist, and about something that can happen."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from ryu_alg.settings.consistency.realms import overlap
from ryu_alg.settings.model import Settings
from ryu_alg.settings.parsers import RuleTransport
from ryu_alg.settings.problems import Finding, KeyPath
from ryu_alg.settings.traffic import OutboundRule


def findings(settings: Settings) -> Iterator[Finding]:
    """What is wrong with `outbound`."""
    for position, rule in enumerate(settings.outbound.rules):
        here: KeyPath = ("outbound", "rules", position)
        wrong = [*_source(here, rule, settings), *_destination(here, rule, settings)]
        yield from wrong
        if not wrong:
            yield from _families(here, rule, settings)
        if rule.ports and rule.transport not in (RuleTransport.TCP, RuleTransport.UDP):
            yield Finding(
                (*here, "ports"),
                f"ports mean nothing with transport {rule.transport.value}",
                "write transport: tcp or transport: udp, or leave ports out",
            )


def _source(here: KeyPath, rule: OutboundRule, settings: Settings) -> Iterator[Finding]:
    if rule.source is None:
        return
    if isinstance(rule.source, str):
        names = [network.name for network in settings.realms.inside]
        if rule.source not in names:
            yield _unknown((*here, "from"), rule.source, names, "inside network")
        return
    inside = [prefix for network in settings.realms.inside for prefix in network.prefixes]
    if not any(overlap(rule.source, prefix) for prefix in inside):
        yield Finding(
            (*here, "from"),
            f"{rule.source} is in no inside network, so the rule never fits",
            f"the inside networks have {', '.join(map(str, inside))}",
        )


def _destination(here: KeyPath, rule: OutboundRule, settings: Settings) -> Iterator[Finding]:
    names = [network.name for network in settings.realms.networks]
    if isinstance(rule.destination, str) and rule.destination not in names:
        yield _unknown((*here, "to"), rule.destination, names, "network")


def _families(here: KeyPath, rule: OutboundRule, settings: Settings) -> Iterator[Finding]:
    sources = {prefix.version for prefix in settings.prefixes(rule.source)}
    destinations = {prefix.version for prefix in settings.prefixes(rule.destination)}
    if sources and destinations and not sources & destinations:
        yield Finding(
            (*here, "to"),
            f"{rule.source} and {rule.destination} have no IP version in common, so the rule "
            "never fits",
            "write both as IPv4 or both as IPv6",
        )


def _unknown(here: KeyPath, name: str, names: list[str], what: str) -> Finding:
    close = get_close_matches(name, names, n=1)
    right = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}"
    return Finding(here, f"no {what} is called {name}", right)
