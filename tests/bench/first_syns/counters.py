"""What the hosts' kernels and the switch have counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ryu_alg.lab import Host, Lab
from ryu_alg.openflow.cookies import EVERY_ID, Kind, cookie

BRIDGE = "br-alg"
REPEATED = "TCPSynRetrans"
"""SYNs and SYN-ACKs that a kernel has sent again, of all its connections."""
REFUSED = "refused in table 3"
_KERNEL = (REPEATED, "ListenOverflows", "ListenDrops")
_FLOW = re.compile(r"table=3, n_packets=(\d+)")
_METER = re.compile(r"meter:(\d+) .*?\n\s*0: packet_count:(\d+)", re.ASCII)
_DATAPATH = re.compile(r"^(datapath_drop_\w+) .*total: (\d+)", re.MULTILINE)


def counted(lab: Lab, hosts: Iterable[Host]) -> Counter[str]:
    """All of it, by name, since whenever: take it twice and subtract.

    Of the kernels, TcpExt in /proc/net/netstat, summed up over `hosts`; of the switch, what table 3
    has refused, what each meter has dropped, and what the datapath has for other reasons.
    """
    total: Counter[str] = Counter()
    for host in hosts:
        text = host.run(["cat", "/proc/net/netstat"]).stdout
        names, values = (line.split() for line in text.splitlines() if line.startswith("TcpExt:"))
        total.update(
            {name: int(value) for name, value in zip(names, values, strict=True) if name in _KERNEL}
        )
    # Flows learn of what the datapath has handled by itself up to half a second later, or now.
    lab.appctl("revalidator/purge")
    refused = lab.ovs_ofctl("dump-flows", BRIDGE, f"cookie={cookie(Kind.DROP):#x}/{EVERY_ID:#x}")
    total[REFUSED] += sum(map(int, _FLOW.findall(refused)))
    for meter, dropped in _METER.findall(lab.ovs_ofctl("meter-stats", BRIDGE)):
        total[f"dropped by meter {meter}"] += int(dropped)
    for name, dropped in _DATAPATH.findall(lab.appctl("coverage/show")):
        # Among these are packets that went to the controller and nowhere else.
        if name != "datapath_drop_userspace_action_error":
            total[name] += int(dropped)
    return total
