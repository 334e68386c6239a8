"""SIP transactions, without a clock and without a network: RFC 3261 section 17, RFC 6026.

timers       the timers A to M, from T1, T2 and T4
figures      the four state machines, as tables
transaction  one transaction, run by its figure
matching     which transaction a message belongs to
hop          ACK and CANCEL, which a client makes of its INVITE
alarms       deadlines by key
layer        all transactions of one user
"""

from ryu_alg.protocols.sip.transactions.alarms import Alarms
from ryu_alg.protocols.sip.transactions.hop import cancellation
from ryu_alg.protocols.sip.transactions.layer import (
    Arrived,
    Leave,
    Lost,
    Over,
    Transactions,
    Unmatched,
)
from ryu_alg.protocols.sip.transactions.matching import (
    ClientKey,
    ServerKey,
    client_key,
    server_key,
)
from ryu_alg.protocols.sip.transactions.timers import Times

__all__ = [
    "Alarms",
    "Arrived",
    "ClientKey",
    "Leave",
    "Lost",
    "Over",
    "ServerKey",
    "Times",
    "Transactions",
    "Unmatched",
    "cancellation",
    "client_key",
    "server_key",
]
