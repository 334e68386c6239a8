"""The lab's topologies for Mininet, for those who know their way around it.

    apt-get install mininet python3-yaml openvswitch-switch
    mn --custom openvswitch/alg_topo.py --topo alg --controller remote,ip=127.0.0.1,port=6653

and in another terminal `ryu-alg run config/lab.yaml`. It reads the same files that
`ryu-alg lab up` does; `--topo alg,FILE.yaml` for another one. Where Open vSwitch has no kernel
module, `--topo alg,datapath=user`. Unlike the lab, this uses the machine's own Open vSwitch.
"""

from ipaddress import ip_interface
from pathlib import Path

import yaml
from mininet.node import Host, OVSSwitch
from mininet.topo import Topo

_NAT = Path(__file__).resolve().parent / "topologies" / "nat.yaml"
# Bridges without an id of their own: Mininet wants one. Far from those that people choose.
_FIRST_SPARE_ID = 0xA160_0000


class AddressedHost(Host):
    """A host with several addresses, IPv6 too, that are usable at once."""

    def config(self, addresses=(), gateways=(), **params):
        """Called by Mininet when the links are there."""
        result = super().config(**params)
        interface = self.defaultIntf()
        # Checksums and segments have to be real: the userspace datapath passes them as they are.
        self.cmd(f"ethtool -K {interface} tx off sg off tso off gso off gro off")
        self.cmd(f"ip address flush dev {interface}")
        for address in addresses:
            nodad = " nodad" if ":" in address else ""
            self.cmd(f"ip address add {address} dev {interface}{nodad}")
        for gateway in gateways:
            self.cmd(f"ip route replace default via {gateway}")
        return result


class PlainSwitch(OVSSwitch):
    """A learning switch: `mn` would connect every switch to the controller."""

    def start(self, controllers):
        """Called by Mininet; no controller is told of."""
        super().start([])


class AlgTopo(Topo):
    """A topology file of the lab's."""

    def build(self, topology=_NAT, datapath="kernel"):
        """Called by Mininet with what follows `--topo alg`."""
        content = yaml.safe_load(Path(topology).read_text(encoding="utf-8"))
        for number, (name, bridge) in enumerate(content["bridges"].items()):
            controlled = "controller" in bridge
            self.addSwitch(
                name,
                cls=OVSSwitch if controlled else PlainSwitch,
                dpid=bridge.get("datapath_id", f"{_FIRST_SPARE_ID + number:016x}"),
                failMode=bridge.get("fail_mode", "secure" if controlled else "standalone"),
                protocols="OpenFlow13" if controlled else None,
                datapath=datapath,
            )
        for name, host in content["hosts"].items():
            addresses = host["addresses"]
            self.addHost(
                name,
                cls=AddressedHost,
                ip=next((a for a in addresses if ip_interface(a).version == 4), None),
                addresses=addresses,
                gateways=host.get("gateways", ()),
            )
            self.addLink(name, host["bridge"], intfName2=host["port"])
        for patch in content.get("patches", ()):
            self.addLink(
                patch["from"], patch["to"], intfName1=patch["port"], intfName2=patch["peer"]
            )


topos = {"alg": AlgTopo}
