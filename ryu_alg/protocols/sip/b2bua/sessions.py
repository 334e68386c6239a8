"""How long calls and subscriptions last if nobody ends them: RFC 4028, RFC 6665, and limits."""

from __future__ import annotations

from ryu_alg.protocols.sip.b2bua.agent import Agent, Due
from ryu_alg.protocols.sip.b2bua.calls import Arrival, Call, Phase
from ryu_alg.protocols.sip.b2bua.holds import Holds
from ryu_alg.protocols.sip.message import Message

MIN_SESSION = 90
"""Seconds: the shortest session interval (RFC 4028 section 4)."""
_DEFAULT_SUBSCRIPTION = 3600
_LONGEST_SUBSCRIPTION = 86_400


class Sessions:
    """Sets the times at which something is taken for dead."""

    def __init__(self, agent: Agent, holds: Holds) -> None:
        self._agent = agent
        self._holds = holds

    def begin(self, call: Call, response: Message) -> None:
        """A call was accepted."""
        if call.time_limit is not None:
            agent = self._agent
            agent.alarms.set((Due.LIMIT, call.number), agent.now + call.time_limit)
        self.refreshed(call, response)

    def refreshed(self, call: Call, response: Message) -> None:
        """A 2xx to INVITE or UPDATE: the session goes on, on both legs for as long as it says.

        The ends agree on who refreshes; each refresh crosses, so it is one on either leg.
        """
        interval = response.number(b"session-expires")
        limit = self._agent.options.call_limit
        seconds = limit if interval is None else min(max(interval, MIN_SESSION), limit)
        self._until(call, seconds)

    def subscribed(self, call: Call, message: Message) -> None:
        """A 2xx to SUBSCRIBE, or a NOTIFY: it goes on for as long as that says."""
        granted = message.number(b"expires")
        seconds = _DEFAULT_SUBSCRIPTION if granted is None else granted
        grace = self._agent.times.patience
        self._until(call, min(seconds, _LONGEST_SUBSCRIPTION) + grace)

    def _until(self, call: Call, seconds: float) -> None:
        agent = self._agent
        if call.phase is Phase.OVER:
            return
        until = agent.now + seconds
        agent.alarms.set((Due.SESSION, call.number), until)
        agent.do(self._holds.keep(call.inside, call.number, until))


def too_short(arrival: Arrival) -> bool:
    """Whether a request asks for a session interval that nobody may ask for."""
    interval = arrival.request.number(b"session-expires")
    return interval is not None and interval < MIN_SESSION
