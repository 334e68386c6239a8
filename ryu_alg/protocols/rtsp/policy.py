"""Which request of whom may pass."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Address, Conversation, Party
from ryu_alg.inspection.addresses import within
from ryu_alg.protocols.rtsp.options import MethodRule, RtspOptions

_NEVER_DENIED = frozenset({"TEARDOWN"})


@dataclass(frozen=True, slots=True)
class Policy:
    """The options, for the two hosts of one connection."""

    options: RtspOptions
    conversation: Conversation

    @property
    def rules(self) -> tuple[MethodRule, ...]:
        """Those that concern these two hosts."""
        client, server = self.conversation.client.address, self.conversation.server.address
        return tuple(
            rule
            for rule in self.options.rules
            if (not rule.clients or within(client, rule.clients))
            and (not rule.servers or within(server, rule.servers))
        )

    @property
    def denies(self) -> bool:
        """Whether there is anything that may be denied: then requests have to be read."""
        return any(rule.action == "deny" for rule in self.rules)

    def denied(self, method: str, sender: Party) -> bool:
        """Whether a request may not pass."""
        if method in _NEVER_DENIED:
            return False
        for rule in self.rules:
            named = not rule.methods or method in rule.methods
            if named and rule.sender in ("any", sender.value):
                return rule.action == "deny"
        return False

    def third(self, address: Address) -> bool:
        """Whether a host that is neither client nor server may have to do with media."""
        return within(address, self.options.media_hosts)
