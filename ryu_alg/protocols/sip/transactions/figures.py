"""The four state machines of SIP transactions, as tables: each row is an arrow of its figure.

RFC 3261 figures 5 to 8, of which RFC 6026 figures 3 and 4 replace the two of INVITE: a 2xx leads
to Accepted, where it is seen again, and an INVITE sent again is not taken for a new one. What has
no row here happens without effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ryu_alg.protocols.sip.transactions.timers import Timer


class State(Enum):
    """Where a transaction is."""

    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"


class Happening(Enum):
    """What moves it, besides timers: from the wire to a client, from the user to a server."""

    REQUEST = "request"
    """The request came again."""
    ACK = "ACK"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    TRANSPORT = "transport error"

    @classmethod
    def of(cls, status: int) -> Happening:
        """What a response with this status is."""
        if status < 200:
            return cls.PROVISIONAL
        return cls.SUCCESS if status < 300 else cls.FAILURE


class Action(Enum):
    """What is done on the way along an arrow."""

    SEND = "send"
    """The client's request, or the server's last response, leaves (again)."""
    ACKNOWLEDGE = "ACK sent"
    """The ACK to a final response that is not 2xx leaves."""
    DELIVER = "to TU"
    """The transaction user gets what came."""
    TIMEOUT = "timeout to TU"
    ERROR = "transport error to TU"


@dataclass(frozen=True, slots=True)
class Arrow:
    """Where it leads, and what is done."""

    to: State
    actions: tuple[Action, ...] = ()


Trigger = Happening | Timer


@dataclass(frozen=True, slots=True)
class Figure:
    """One state machine."""

    name: str
    first: State
    timers: Mapping[State, tuple[Timer, ...]]
    """Which timers run in a state: those that ran before go on, others start, the rest stop."""
    arrows: Mapping[tuple[State, Trigger], Arrow]


_S, _H, _T, _A = State, Happening, Timer, Action
_SEND, _TO_TU = (_A.SEND,), (_A.DELIVER,)
_ACK, _ACK_TO_TU = (_A.ACKNOWLEDGE,), (_A.ACKNOWLEDGE, _A.DELIVER)
_TIMEOUT, _ERROR = (_A.TIMEOUT,), (_A.ERROR,)

INVITE_CLIENT = Figure(
    "INVITE client",
    _S.CALLING,
    {
        _S.CALLING: (_T.A, _T.B),
        _S.ACCEPTED: (_T.M,),
        _S.COMPLETED: (_T.D,),
    },
    {
        (_S.CALLING, _T.A): Arrow(_S.CALLING, _SEND),
        (_S.CALLING, _T.B): Arrow(_S.TERMINATED, _TIMEOUT),
        (_S.CALLING, _H.TRANSPORT): Arrow(_S.TERMINATED, _ERROR),
        (_S.CALLING, _H.PROVISIONAL): Arrow(_S.PROCEEDING, _TO_TU),
        (_S.CALLING, _H.SUCCESS): Arrow(_S.ACCEPTED, _TO_TU),
        (_S.CALLING, _H.FAILURE): Arrow(_S.COMPLETED, _ACK_TO_TU),
        (_S.PROCEEDING, _H.PROVISIONAL): Arrow(_S.PROCEEDING, _TO_TU),
        (_S.PROCEEDING, _H.SUCCESS): Arrow(_S.ACCEPTED, _TO_TU),
        (_S.PROCEEDING, _H.FAILURE): Arrow(_S.COMPLETED, _ACK_TO_TU),
        # Nothing runs in Proceeding, so a connection that is lost is the only news there is.
        (_S.PROCEEDING, _H.TRANSPORT): Arrow(_S.TERMINATED, _ERROR),
        (_S.COMPLETED, _H.FAILURE): Arrow(_S.COMPLETED, _ACK),
        (_S.COMPLETED, _H.TRANSPORT): Arrow(_S.TERMINATED, _ERROR),
        (_S.COMPLETED, _T.D): Arrow(_S.TERMINATED),
        (_S.ACCEPTED, _H.SUCCESS): Arrow(_S.ACCEPTED, _TO_TU),
        (_S.ACCEPTED, _T.M): Arrow(_S.TERMINATED),
    },
)

NON_INVITE_CLIENT = Figure(
    "non-INVITE client",
    _S.TRYING,
    {
        _S.TRYING: (_T.E, _T.F),
        _S.PROCEEDING: (_T.E, _T.F),
        _S.COMPLETED: (_T.K,),
    },
    {
        (_S.TRYING, _T.E): Arrow(_S.TRYING, _SEND),
        (_S.TRYING, _T.F): Arrow(_S.TERMINATED, _TIMEOUT),
        (_S.TRYING, _H.TRANSPORT): Arrow(_S.TERMINATED, _ERROR),
        (_S.TRYING, _H.PROVISIONAL): Arrow(_S.PROCEEDING, _TO_TU),
        (_S.TRYING, _H.SUCCESS): Arrow(_S.COMPLETED, _TO_TU),
        (_S.TRYING, _H.FAILURE): Arrow(_S.COMPLETED, _TO_TU),
        (_S.PROCEEDING, _T.E): Arrow(_S.PROCEEDING, _SEND),
        (_S.PROCEEDING, _T.F): Arrow(_S.TERMINATED, _TIMEOUT),
        (_S.PROCEEDING, _H.TRANSPORT): Arrow(_S.TERMINATED, _ERROR),
        (_S.PROCEEDING, _H.PROVISIONAL): Arrow(_S.PROCEEDING, _TO_TU),
        (_S.PROCEEDING, _H.SUCCESS): Arrow(_S.COMPLETED, _TO_TU),
        (_S.PROCEEDING, _H.FAILURE): Arrow(_S.COMPLETED, _TO_TU),
        (_S.COMPLETED, _T.K): Arrow(_S.TERMINATED),
    },
)

INVITE_SERVER = Figure(
    "INVITE server",
    _S.PROCEEDING,
    {
        _S.COMPLETED: (_T.G, _T.H),
        _S.CONFIRMED: (_T.I,),
        _S.ACCEPTED: (_T.L,),
    },
    {
        (_S.PROCEEDING, _H.REQUEST): Arrow(_S.PROCEEDING, _SEND),
        (_S.PROCEEDING, _H.PROVISIONAL): Arrow(_S.PROCEEDING, _SEND),
        (_S.PROCEEDING, _H.SUCCESS): Arrow(_S.ACCEPTED, _SEND),
        (_S.PROCEEDING, _H.FAILURE): Arrow(_S.COMPLETED, _SEND),
        (_S.PROCEEDING, _H.TRANSPORT): Arrow(_S.PROCEEDING, _ERROR),
        (_S.COMPLETED, _H.REQUEST): Arrow(_S.COMPLETED, _SEND),
        (_S.COMPLETED, _H.ACK): Arrow(_S.CONFIRMED),
        (_S.COMPLETED, _H.TRANSPORT): Arrow(_S.COMPLETED, _ERROR),
        (_S.COMPLETED, _T.G): Arrow(_S.COMPLETED, _SEND),
        # RFC 3261 section 17.2.1 has this told to the user, whose figure leaves it out.
        (_S.COMPLETED, _T.H): Arrow(_S.TERMINATED, _TIMEOUT),
        (_S.CONFIRMED, _T.I): Arrow(_S.TERMINATED),
        # An INVITE that comes again is absorbed; the 2xx is the user's to repeat.
        (_S.ACCEPTED, _H.REQUEST): Arrow(_S.ACCEPTED),
        (_S.ACCEPTED, _H.ACK): Arrow(_S.ACCEPTED, _TO_TU),
        (_S.ACCEPTED, _H.SUCCESS): Arrow(_S.ACCEPTED, _SEND),
        (_S.ACCEPTED, _H.TRANSPORT): Arrow(_S.ACCEPTED, _ERROR),
        (_S.ACCEPTED, _T.L): Arrow(_S.TERMINATED),
    },
)

NON_INVITE_SERVER = Figure(
    "non-INVITE server",
    _S.TRYING,
    {_S.COMPLETED: (_T.J,)},
    {
        (_S.TRYING, _H.REQUEST): Arrow(_S.TRYING),
        (_S.TRYING, _H.PROVISIONAL): Arrow(_S.PROCEEDING, _SEND),
        (_S.TRYING, _H.SUCCESS): Arrow(_S.COMPLETED, _SEND),
        (_S.TRYING, _H.FAILURE): Arrow(_S.COMPLETED, _SEND),
        (_S.PROCEEDING, _H.REQUEST): Arrow(_S.PROCEEDING, _SEND),
        (_S.PROCEEDING, _H.PROVISIONAL): Arrow(_S.PROCEEDING, _SEND),
        (_S.PROCEEDING, _H.SUCCESS): Arrow(_S.COMPLETED, _SEND),
        (_S.PROCEEDING, _H.FAILURE): Arrow(_S.COMPLETED, _SEND),
        (_S.PROCEEDING, _H.TRANSPORT): Arrow(_S.TERMINATED, _ERROR),
        (_S.COMPLETED, _H.REQUEST): Arrow(_S.COMPLETED, _SEND),
        (_S.COMPLETED, _H.TRANSPORT): Arrow(_S.TERMINATED, _ERROR),
        (_S.COMPLETED, _T.J): Arrow(_S.TERMINATED),
    },
)

FIGURES = (INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER)
