"""Bad configurations: each mistake is found, at its key and its line, in words that help.

Each case changes the good configuration below; the line that must be named ends in `#!`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings import ConfigurationError, Problem, parse

GOOD = """\
gateway:
  datapath_id: "0000000000000001"
  mac: "02:a1:60:00:00:01"
realms:
  inside:
    - name: lan
      port: lan
      addresses: [192.168.10.1/24]
      nat: [203.0.113.1]
    - name: plain
      port: plain
      addresses:
        - 198.51.100.1/24
        - 2001:db8:30::1/64
  outside:
    - name: wan
      port: wan
      addresses: [203.0.113.1/24, '2001:db8:1::1/64']
      next_hop: [203.0.113.254]
      routed: [192.0.2.0/28]
public:
  addresses: [203.0.113.1, 203.0.113.10]
  ports:
    napt: 1024-32767
    data: 32768-49151
    control: 49152-53247
published:
  - public: 203.0.113.1:21
    inside: 192.168.10.2:21
    protocol: ftp
  - public: 198.51.100.2:21
    inside: 198.51.100.2:21
    protocol: ftp
  - public: '[2001:db8:30::2]:21'
    inside: '[2001:db8:30::2]:21'
outbound:
  default: allow
  rules:
    - from: lan
      to: 192.0.2.0/24
      transport: tcp
      ports: [25, 100-200]
      action: deny
protocols:
  ftp:
    ports: [21, 2121]
    options:
      mode: allow
timers:
  session_idle: 15m
quotas:
  sessions: 1000
rest:
  bind: 127.0.0.1
"""


class Mistake(NamedTuple):
    old: str
    """What of the good configuration is replaced, once,"""
    new: str
    """by this."""
    key: str
    wrong: str
    """Part of what is said to be wrong."""
    right: str
    """Part of what is said to be right."""


MISTAKES = {
    # Values
    "datapath id too short": Mistake(
        '"0000000000000001"', '"1"  #!', "gateway.datapath_id", "datapath id", "0000000000000001"
    ),
    "datapath id not hexadecimal": Mistake(
        '"0000000000000001"',
        "br0000000000000x  #!",
        "gateway.datapath_id",
        "datapath id",
        "16 hexadecimal digits",
    ),
    "datapath id zero": Mistake(
        '"0000000000000001"',
        '"0000000000000000"  #!',
        "gateway.datapath_id",
        "no switch has",
        "the bridge's",
    ),
    "multicast MAC": Mistake(
        "02:a1:60:00:00:01", '03:a1:60:00:00:01"  #!', "gateway.mac", "multicast", "02:a1:60"
    ),
    "malformed MAC": Mistake(
        '"02:a1:60:00:00:01"', "02a1.6000.0001  #!", "gateway.mac", "not a MAC", "with colons"
    ),
    "zone out of range": Mistake(
        "realms:",
        "  ct_zone: 65536  #!\nrealms:",
        "gateway.ct_zone",
        "conntrack zone",
        "1 to 65535",
    ),
    "name with capitals": Mistake(
        "name: wan", "name: WAN  #!", "realms.outside[0].name", "not a name", "lower-case"
    ),
    "port given by number": Mistake(
        "port: wan", "port: 3  #!", "realms.outside[0].port", "switch port", "in quotes"
    ),
    "router address without prefix": Mistake(
        "- 198.51.100.1/24",
        "- 198.51.100.1  #!",
        "realms.inside[1].addresses[0]",
        "no prefix length",
        "198.51.100.1/24",
    ),
    "router address is the network": Mistake(
        "- 198.51.100.1/24",
        "- 198.51.100.0/24  #!",
        "realms.inside[1].addresses[0]",
        "the network, not an address",
        "198.51.100.1/24",
    ),
    "router address is the broadcast address": Mistake(
        "- 198.51.100.1/24",
        "- 198.51.100.255/24  #!",
        "realms.inside[1].addresses[0]",
        "broadcast",
        "198.51.100.1/24",
    ),
    "router address leaves no host": Mistake(
        "- 198.51.100.1/24",
        "- 198.51.100.1/32  #!",
        "realms.inside[1].addresses[0]",
        "no room",
        "shorter",
    ),
    "router address link-local": Mistake(
        "- 2001:db8:30::1/64",
        "- fe80::1/64  #!",
        "realms.inside[1].addresses[1]",
        "link-local",
        "gateway.mac",
    ),
    "next hop with a scope": Mistake(
        "next_hop: [203.0.113.254]",
        "next_hop: ['fe80::1%wan']  #!",
        "realms.outside[0].next_hop[0]",
        "behind its %",
        "write fe80::1",
    ),
    "router address with a scope": Mistake(
        "- 2001:db8:30::1/64",
        "- 2001:db8:30::1%eth0/64  #!",
        "realms.inside[1].addresses[1]",
        "behind its %",
        "write 2001:db8:30::1",
    ),
    "prefix with a scope": Mistake(
        "to: 192.0.2.0/24",
        "to: 2001:db8::%eth0  #!",
        "outbound.rules[0].to",
        "behind its %",
        "write",
    ),
    "router address multicast": Mistake(
        "- 198.51.100.1/24",
        "- 224.0.0.1/24  #!",
        "realms.inside[1].addresses[0]",
        "cannot be a router",
        "unicast",
    ),
    "router address nonsense": Mistake(
        "- 198.51.100.1/24",
        "- 198.51.100.300/24  #!",
        "realms.inside[1].addresses[0]",
        "not a router address",
        "192.168.10.1/24",
    ),
    "IPv6 NAT of a network": Mistake(
        "nat: [203.0.113.1]",
        "nat: ['2001:db8::1']  #!",
        "realms.inside[0].nat[0]",
        "IPv6 is routed without NAT",
        "firewall only",
    ),
    "IPv6 public address": Mistake(
        "  addresses: [203.0.113.1, 203.0.113.10]",
        "  addresses: ['2001:db8:1::1']  #!",
        "public.addresses[0]",
        "IPv6 is routed without NAT",
        "firewall only",
    ),
    "port range backwards": Mistake(
        "napt: 1024-32767", "napt: 32767-1024  #!", "public.ports.napt", "backwards", "1024-32767"
    ),
    "port range malformed": Mistake(
        "napt: 1024-32767", "napt: 1024..32767  #!", "public.ports.napt", "port range", "first-last"
    ),
    "port above 65535": Mistake(
        "ports: [21, 2121]",
        "ports: [21, 70000]  #!",
        "protocols.ftp.ports[1]",
        "70000",
        "1 to 65535",
    ),
    "port zero": Mistake(
        "ports: [21, 2121]", "ports: [0]  #!", "protocols.ftp.ports[0]", "not a port", "1 to 65535"
    ),
    "port as a truth value": Mistake(
        "ports: [21, 2121]", "ports: [true]  #!", "protocols.ftp.ports[0]", "true", "1 to 65535"
    ),
    "endpoint without port": Mistake(
        "public: 203.0.113.1:21",
        "public: 203.0.113.1  #!",
        "published[0].public",
        "not an endpoint",
        "address:port",
    ),
    "IPv6 endpoint without brackets": Mistake(
        "public: '[2001:db8:30::2]:21'",
        "public: 2001:db8:30::2:21  #!",
        "published[2].public",
        "not an endpoint",
        "[2001:db8::2]:21",
    ),
    "endpoint with a name": Mistake(
        "public: 203.0.113.1:21",
        "public: ftp.example.net:21  #!",
        "published[0].public",
        "not an address",
        "IPv4 or IPv6",
    ),
    "prefix with host bits": Mistake(
        "to: 192.0.2.0/24",
        "to: 192.0.2.7/24  #!",
        "outbound.rules[0].to",
        "bits set",
        "192.0.2.0/24",
    ),
    "prefix malformed": Mistake(
        "to: 192.0.2.0/24", "to: 192.0.2/24  #!", "outbound.rules[0].to", "not a prefix", "write"
    ),
    "unknown transport of a service": Mistake(
        "    inside: 192.168.10.2:21",
        "    inside: 192.168.10.2:21\n    transport: sctp  #!",
        "published[0].transport",
        "'sctp'",
        "tcp or udp",
    ),
    "unknown action": Mistake(
        "action: deny", "action: drop  #!", "outbound.rules[0].action", "'drop'", "allow or deny"
    ),
    "duration without number": Mistake(
        "session_idle: 15m",
        "session_idle: soon  #!",
        "timers.session_idle",
        "not a duration",
        "30s, 5m, 2h",
    ),
    "duration zero": Mistake(
        "session_idle: 15m", "session_idle: 0  #!", "timers.session_idle", "above zero", "5m"
    ),
    "duration negative": Mistake(
        "session_idle: 15m", "session_idle: -5  #!", "timers.session_idle", "above zero", "5m"
    ),
    "flow timeout too fine": Mistake(
        "session_idle: 15m",
        "data_idle: 500ms  #!",
        "timers.data_idle",
        "OpenFlow timeout",
        "whole seconds",
    ),
    "flow timeout too long": Mistake(
        "session_idle: 15m",
        "pinhole_hard: 1d  #!",
        "timers.pinhole_hard",
        "OpenFlow timeout",
        "65535s",
    ),
    "quota zero": Mistake(
        "sessions: 1000", "sessions: 0  #!", "quotas.sessions", "not a limit", "whole number, 1"
    ),
    "fail mode that is none": Mistake(
        "gateway:\n",
        "gateway:\n  fail_mode: secure  #!\n",
        "gateway.fail_mode",
        "not a choice",
        "verified or trusted",
    ),
    "database over TLS without certificates": Mistake(
        "gateway:\n",
        "gateway:\n  ovsdb: ssl:192.0.2.1:6640  #!\n",
        "gateway.ovsdb",
        "needs certificates",
        "openflow.tls",
    ),
    "TLS without an authority": Mistake(
        "rest:\n",
        "openflow:\n  tls: {certificate: a, private_key: b}  #!\nrest:\n",
        "openflow.tls.ca",
        "is missing",
        "authority",
    ),
    "token file is a list": Mistake(
        "  bind: 127.0.0.1", "  token_file: []  #!", "rest.token_file", "not a file", "a path"
    ),
    # Shape
    "unknown key": Mistake(
        "session_idle: 15m",
        "sesion_idle: 15m  #!",
        "timers.sesion_idle",
        "no such key",
        "did you mean session_idle?",
    ),
    "unknown key unlike all others": Mistake(
        "rest:\n", "rest:\n  tls: yes  #!\n", "rest.tls", "no such key", "bind, port, token_file"
    ),
    "unknown section": Mistake(
        "timers:", "timer:  #!", "timer", "no such key", "did you mean timers?"
    ),
    "python's name of a key": Mistake(
        "    - from: lan",
        "    - source: lan  #!",
        "outbound.rules[0].source",
        "no such key",
        "from",
    ),
    "missing key": Mistake(
        "  - public: 203.0.113.1:21\n    inside: 192.168.10.2:21",
        "  - public: 203.0.113.1:21  #!",
        "published[0].inside",
        "is missing",
        "where the server really is",
    ),
    "missing section": Mistake(
        'gateway:\n  datapath_id: "0000000000000001"\n  mac: "02:a1:60:00:00:01"\nrealms:',
        "realms:  #!",
        "gateway",
        "is missing",
        "the gateway",
    ),
    "list missing": Mistake(
        "nat: [203.0.113.1]",
        "nat: 203.0.113.1  #!",
        "realms.inside[0].nat",
        "not a list",
        "[203.0.113.1]",
    ),
    "list empty": Mistake(
        "      addresses: [192.168.10.1/24]",
        "      addresses: []  #!",
        "realms.inside[0].addresses",
        "the list is empty",
        "one item at least",
    ),
    "nothing written": Mistake(
        "nat: [203.0.113.1]", "nat:  #!", "realms.inside[0].nat", "nothing is not a list", "a list"
    ),
    "mapping missing": Mistake(
        "rest:\n  bind: 127.0.0.1", "rest: 8080  #!", "rest", "not a mapping", "bind, port"
    ),
    # YAML
    "syntax error": Mistake(
        "nat: [203.0.113.1]\n    - name: plain",
        "nat: [203.0.113.1\n    - name: plain  #!",
        "",
        "not YAML",
        "",
    ),
    "tab as indentation": Mistake("  bind: 127.0.0.1", "\tbind: 127.0.0.1  #!", "", "not YAML", ""),
    "key there twice": Mistake(
        "quotas:",
        "  session_idle: 20m  #!\nquotas:",
        "timers.session_idle",
        "there twice, first on line 50",
        "keep one",
    ),
    "unknown alias": Mistake("bind: 127.0.0.1", "bind: *loopback  #!", "", "not YAML", ""),
    "alias loop": Mistake(
        "nat: [203.0.113.1]", "nat: &a [*a]  #!", "realms.inside[0].nat[0]", "contains itself", ""
    ),
    "custom tag": Mistake(
        "bind: 127.0.0.1",
        "bind: !!python/object/apply:os.getcwd []  #!",
        "rest.bind",
        "means nothing here",
        "plain value",
    ),
    "two documents": Mistake("rest:\n", "---  #!\nrest:\n", "", "not YAML", ""),
    # Networks
    "network name there twice": Mistake(
        "name: plain", "name: lan  #!", "realms.inside[1].name", "is called lan", "of its own"
    ),
    "port used twice": Mistake(
        "port: plain", "port: lan  #!", "realms.inside[1].port", "network lan already", "of its own"
    ),
    "inside prefixes overlap": Mistake(
        "- 198.51.100.1/24",
        "- 192.168.0.1/16  #!",
        "realms.inside[1].addresses[0]",
        "overlaps 192.168.10.0/24 of network lan",
        "prefixes of its own",
    ),
    "inside and outside overlap": Mistake(
        "addresses: [203.0.113.1/24, '2001:db8:1::1/64']",
        "addresses: [203.0.113.1/24, '2001:db8:30::ff/64']  #!",
        "realms.outside[0].addresses[1]",
        "overlaps 2001:db8:30::/64 of network plain",
        "prefixes of its own",
    ),
    "NAT with an unknown address": Mistake(
        "nat: [203.0.113.1]",
        "nat: [203.0.113.9]  #!",
        "realms.inside[0].nat[0]",
        "not one of public.addresses",
        "203.0.113.1, 203.0.113.10",
    ),
    "NAT address there twice": Mistake(
        "nat: [203.0.113.1]",
        "nat: [203.0.113.1, 203.0.113.1]  #!",
        "realms.inside[0].nat[1]",
        "twice",
        "remove one",
    ),
    "NAT of a network with IPv6 only": Mistake(
        "      addresses: [192.168.10.1/24]\n      nat: [203.0.113.1]",
        "      addresses: ['2001:db8:10::1/64']\n      nat: [203.0.113.1]  #!",
        "realms.inside[0].nat",
        "IPv6 is routed without NAT",
        "remove nat",
    ),
    "next hop elsewhere": Mistake(
        "next_hop: [203.0.113.254]",
        "next_hop: [203.0.114.254]  #!",
        "realms.outside[0].next_hop[0]",
        "not in network wan",
        "203.0.113.0/24",
    ),
    "next hop is the gateway": Mistake(
        "next_hop: [203.0.113.254]",
        "next_hop: [203.0.113.1]  #!",
        "realms.outside[0].next_hop[0]",
        "the gateway itself",
        "next router",
    ),
    "two default routers": Mistake(
        "next_hop: [203.0.113.254]",
        "next_hop: [203.0.113.254, 203.0.113.253]  #!",
        "realms.outside[0].next_hop[1]",
        "default router already",
        "one next hop for IPv4",
    ),
    # Public side
    "public address in no outside network": Mistake(
        "  addresses: [203.0.113.1, 203.0.113.10]",
        "  addresses: [203.0.113.1, 203.0.114.1]  #!",
        "public.addresses[1]",
        "in no outside network",
        "routed",
    ),
    "public address inside": Mistake(
        "  addresses: [203.0.113.1, 203.0.113.10]",
        "  addresses: [203.0.113.1, 198.51.100.9]  #!",
        "public.addresses[1]",
        "inside network plain",
        "outside network",
    ),
    "public address is the next hop": Mistake(
        "  addresses: [203.0.113.1, 203.0.113.10]",
        "  addresses: [203.0.113.1, 203.0.113.254]  #!",
        "public.addresses[1]",
        "is a next hop",
        "the gateway's own",
    ),
    "public address is the broadcast address": Mistake(
        "  addresses: [203.0.113.1, 203.0.113.10]",
        "  addresses: [203.0.113.1, 203.0.113.255]  #!",
        "public.addresses[1]",
        "broadcast",
        "one of its hosts",
    ),
    "public address there twice": Mistake(
        "  addresses: [203.0.113.1, 203.0.113.10]",
        "  addresses: [203.0.113.1, 203.0.113.1]  #!",
        "public.addresses[1]",
        "twice",
        "remove one",
    ),
    "partitions missing": Mistake(
        """  addresses: [203.0.113.1, 203.0.113.10]
  ports:
    napt: 1024-32767
    data: 32768-49151
    control: 49152-53247
""",
        "  addresses: [203.0.113.1, 203.0.113.10]\n",
        "public.ports",
        "is missing",
        "napt: 1024-32767",
    ),
    "partitions overlap": Mistake(
        "data: 32768-49151",
        "data: 32000-49151  #!",
        "public.ports.data",
        "overlaps napt (1024-32767)",
        "share no port",
    ),
    "partition of service ports": Mistake(
        "napt: 1024-32767", "napt: 1000-32767  #!", "public.ports.napt", "below 1024", "1024-65535"
    ),
    "control partition of many blocks": Mistake(
        "control: 49152-53247",
        "control: 50000-53001  #!",
        "public.ports.control",
        "takes 9 masked matches",
        "50176-52991 is the nearest",
    ),
    # Published services
    "published server nowhere": Mistake(
        "inside: 192.168.10.2:21",
        "inside: 192.168.11.2:21  #!",
        "published[0].inside",
        "in no inside network",
        "192.168.10.0/24",
    ),
    "published server is the gateway": Mistake(
        "inside: 192.168.10.2:21",
        "inside: 192.168.10.1:21  #!",
        "published[0].inside",
        "the gateway itself",
        "the server's address",
    ),
    "published at an unknown address": Mistake(
        "public: 203.0.113.1:21",
        "public: 203.0.113.2:21  #!",
        "published[0].public",
        "not one of public.addresses",
        "203.0.113.1, 203.0.113.10",
    ),
    "published twice": Mistake(
        "  - public: 198.51.100.2:21\n    inside: 198.51.100.2:21",
        "  - public: 203.0.113.1:21  #!\n    inside: 192.168.10.3:21",
        "published[1].public",
        "published already, by published[0]",
        "another port",
    ),
    "published in a partition": Mistake(
        "public: 203.0.113.1:21",
        "public: 203.0.113.1:49200  #!",
        "published[0].public",
        "in the control partition (49152-53247)",
        "outside the three partitions",
    ),
    "published with NAT that is not there": Mistake(
        "public: 198.51.100.2:21",
        "public: 203.0.113.10:21  #!",
        "published[1].public",
        "network plain is routed without NAT",
        'public: "198.51.100.2:21"',
    ),
    "published IPv6 with NAT": Mistake(
        "public: '[2001:db8:30::2]:21'",
        "public: '[2001:db8:1::1]:21'  #!",
        "published[2].public",
        "IPv6 is routed without NAT",
        'public: "[2001:db8:30::2]:21"',
    ),
    "published with a protocol that is not configured": Mistake(
        "    inside: '[2001:db8:30::2]:21'",
        "    inside: '[2001:db8:30::2]:21'\n    protocol: gopher  #!",
        "published[2].protocol",
        "not configured under protocols",
        "ftp",
    ),
    "published with a port that is not inspected": Mistake(
        "inside: 192.168.10.2:21",
        "inside: 192.168.10.2:2100  #!",
        "published[0].inside",
        "not one of ftp's ports",
        "21, 2121",
    ),
    "published over the wrong transport": Mistake(
        "    inside: 192.168.10.2:21",
        "    inside: 192.168.10.2:21\n    transport: udp  #!",
        "published[0].transport",
        "ftp runs over tcp, not udp",
        "transport: tcp",
    ),
    # Outbound rules
    "rule from an unknown network": Mistake(
        "- from: lan", "- from: lam  #!", "outbound.rules[0].from", "is called lam", "mean lan?"
    ),
    "rule from an outside network": Mistake(
        "- from: lan", "- from: wan  #!", "outbound.rules[0].from", "no inside network", "lan"
    ),
    "rule to an unknown network": Mistake(
        "to: 192.0.2.0/24", "to: internet  #!", "outbound.rules[0].to", "is called internet", "wan"
    ),
    "rule from a prefix that is not inside": Mistake(
        "- from: lan",
        "- from: 10.0.0.0/8  #!",
        "outbound.rules[0].from",
        "never fits",
        "192.168.10",
    ),
    "rule between IP versions": Mistake(
        "to: 192.0.2.0/24", "to: 2001:db8::/32  #!", "outbound.rules[0].to", "no IP version", "both"
    ),
    "rule with ports of ICMP": Mistake(
        "      transport: tcp\n      ports: [25, 100-200]",
        "      transport: icmp\n      ports: [25, 100-200]  #!",
        "outbound.rules[0].ports",
        "mean nothing with transport icmp",
        "transport: tcp",
    ),
    # Protocols
    "protocol unknown": Mistake(
        "protocols:\n", "protocols:\n  gofer: {}  #!\n", "protocols.gofer", "installed", "gopher?"
    ),
    "protocol option unknown": Mistake(
        "mode: allow",
        "mod: allow  #!",
        "protocols.ftp.options.mod",
        "no such key",
        "did you mean mode?",
    ),
    "protocol option not a choice": Mistake(
        "mode: allow",
        "mode: perhaps  #!",
        "protocols.ftp.options.mode",
        "'perhaps' does not fit",
        "'refuse' or 'allow'",
    ),
    "protocol option of two kinds": Mistake(
        "mode: allow",
        "hosts: [192.0.2.0/24, here]  #!",
        "protocols.ftp.options.hosts[1]",
        "'here' does not fit",
        "it should be a valid IPv4 network or a valid IPv6 network",
    ),
    "protocol option deep down": Mistake(
        "mode: allow",
        "greetings:\n        - {text: hello}\n        - {text: hello, times: 0}  #!",
        "protocols.ftp.options.greetings[1].times",
        "0 does not fit",
        "greater than or equal to 1",
    ),
    "protocol options not a mapping": Mistake(
        "options:\n      mode: allow",
        "options: allow  #!",
        "protocols.ftp.options",
        "not a mapping",
        "mode, hosts, greetings",
    ),
    "protocol not a mapping": Mistake(
        "protocols:\n", "protocols:\n  gopher: 70  #!\n", "protocols.gopher", "70", "ports, servers"
    ),
    "protocol without ports": Mistake(
        "ports: [21, 2121]", "ports: []  #!", "protocols.ftp.ports", "empty", "default (21)"
    ),
    "protocol without servers": Mistake(
        "ports: [21, 2121]",
        "ports: [21]\n    servers: []  #!",
        "protocols.ftp.servers",
        "empty",
        "every server",
    ),
    "two protocols on a port": Mistake(
        "timers:",
        "  gopher:\n    ports: [70, 2121]  #!\ntimers:",
        "protocols.gopher.ports[1]",
        "inspected as ftp already",
        "one protocol",
    ),
    "port of a protocol there twice": Mistake(
        "ports: [21, 2121]", "ports: [21, 21]  #!", "protocols.ftp.ports[1]", "twice", "remove"
    ),
    # Limits
    "keepalive slower than the session": Mistake(
        "session_idle: 15m",
        "session_idle: 15m\n  keepalive_interval: 15m  #!",
        "timers.keepalive_interval",
        "not less than session_idle (900s)",
        "expires before",
    ),
    "set-up longer than the session": Mistake(
        "session_idle: 15m",
        "session_idle: 15m\n  session_setup: 16m  #!",
        "timers.session_setup",
        "more than session_idle (900s)",
        "must not",
    ),
    "pinhole that is never unused": Mistake(
        "session_idle: 15m",
        "pinhole_unused: 2m  #!",
        "timers.pinhole_unused",
        "more than pinhole_hard (60s)",
        "must not",
    ),
    "quota of a host above that of all": Mistake(
        "sessions: 1000",
        "sessions: 100\n  sessions_per_host: 101  #!",
        "quotas.sessions_per_host",
        "more than sessions (100)",
        "at most 100",
    ),
    "pinholes of a session above those of a host": Mistake(
        "sessions: 1000",
        "pinholes_per_session: 401  #!",
        "quotas.pinholes_per_session",
        "more than pinholes_per_host (400)",
        "at most 400",
    ),
    "REST open to all": Mistake(
        "bind: 127.0.0.1", "bind: 0.0.0.0  #!", "rest.bind", "no token", "token_file"
    ),
}


def problems(text: str, installed: Mapping[str, ProtocolSpec]) -> tuple[Problem, ...]:
    """What is wrong with `text`."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "gateway.yaml", installed)
    return caught.value.problems


def test_the_configuration_without_mistakes(made_up: Mapping[str, ProtocolSpec]) -> None:
    parse(GOOD, "gateway.yaml", made_up)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake(mistake: Mistake, made_up: Mapping[str, ProtocolSpec]) -> None:
    assert GOOD.count(mistake.old) >= 1
    text = GOOD.replace(mistake.old, mistake.new, 1)
    marked = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("#!")]

    found = {problem.key: problem for problem in problems(text, made_up)}

    problem = found[mistake.key]
    assert mistake.wrong in problem.wrong
    assert mistake.right in problem.right
    if marked:
        assert [problem.line] == marked
    assert str(problem).startswith(f"gateway.yaml:{problem.line}: {mistake.key}")


def test_all_mistakes_are_listed_by_line(made_up: Mapping[str, ProtocolSpec]) -> None:
    text = (
        GOOD.replace("port: wan", "port: 3")
        .replace("session_idle: 15m", "session_idle: never")
        .replace("sessions: 1000", "session: 1000")
        .replace("mode: allow", "mod: allow")
    )

    found = problems(text, made_up)

    assert [problem.key for problem in found] == [
        "realms.outside[0].port",
        "protocols.ftp.options.mod",
        "timers.session_idle",
        "quotas.session",
    ]
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_missing_partitions_are_missing_at_public(made_up: Mapping[str, ProtocolSpec]) -> None:
    text = GOOD[: GOOD.index("  ports:\n    napt")] + GOOD[GOOD.index("published:") :]

    (problem,) = problems(text, made_up)

    assert text.splitlines()[problem.line - 1] == "public:"


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]", "just words", "5", "{a: {b: [c"])
def test_no_mapping_at_all(text: str, made_up: Mapping[str, ProtocolSpec]) -> None:
    problem, *_ = problems(text, made_up)

    assert problem.line == 1
    assert problem.wrong
