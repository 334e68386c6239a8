"""The lab: a private Open vSwitch and network namespaces as hosts, on one machine.

Nothing of it is in the machine's own network namespace: the switch and the controller live
in a namespace of their own, the pseudo-host `gateway`. `Lab` is the API that tests use;
`ryu-alg lab` is the same thing as a command. This package imports neither Ryu nor eventlet.
"""

from ryu_alg.lab.errors import LabError
from ryu_alg.lab.lab import Host, Lab
from ryu_alg.lab.topology import GATEWAY, Topology

__all__ = ["GATEWAY", "Host", "Lab", "LabError", "Topology"]
