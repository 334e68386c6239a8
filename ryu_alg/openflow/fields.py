"""Match fields: their names in ovs-ofctl, their OXM headers, and how their values are written.

OXM is section 7.2.3 of OpenFlow 1.3; the Nicira and Ericsson classes are Open vSwitch's own
(ovs-fields(7)). Only the fields that the pipeline uses are here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_NICIRA_0 = 0x0000
_NICIRA_1 = 0x0001
_OPENFLOW = 0x8000
_ERICSSON = 0x1000

_FRAGMENTS = {
    "no": (0, 3),
    "yes": (1, 1),
    "first": (1, 3),
    "later": (3, 3),
    "not_later": (0, 2),
}
_CT_STATES = {
    "new": 0x01,
    "est": 0x02,
    "rel": 0x04,
    "rpl": 0x08,
    "inv": 0x10,
    "trk": 0x20,
    "snat": 0x40,
    "dnat": 0x80,
}
_PORTS = {"IN_PORT": 0xFFFF_FFF8, "CONTROLLER": 0xFFFF_FFFD, "LOCAL": 0xFFFF_FFFE}


class SyntaxProblem(ValueError):  # noqa: N818 - not an error of this program, but of a text
    """A flow is not written as expected; the message quotes the part that is wrong."""


Parser = Callable[[str, int], tuple[int, int]]
"""From a text and a number of bits to value and mask."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a packet, or of what the switch remembers with it."""

    oxm_class: int
    number: int
    size: int
    """In bytes."""
    parse: Parser

    @property
    def bits(self) -> int:
        """Size in bits."""
        return self.size * 8

    @property
    def header(self) -> bytes:
        """The OXM header of a value without a mask."""
        return (self.oxm_class << 16 | self.number << 9 | self.size).to_bytes(4, "big")

    def oxm(self, value: int, mask: int) -> bytes:
        """A match of this field; b"" when the mask is 0."""
        if not mask:
            return b""
        if mask == (1 << self.bits) - 1:
            return self.header + value.to_bytes(self.size, "big")
        header = self.oxm_class << 16 | self.number << 9 | 0x100 | self.size * 2
        value &= mask
        return b"".join(
            (
                header.to_bytes(4, "big"),
                value.to_bytes(self.size, "big"),
                mask.to_bytes(self.size, "big"),
            )
        )


def number(text: str) -> int:
    """A decimal or 0x number; SyntaxProblem."""
    try:
        return int(text, 0)
    except ValueError:
        raise SyntaxProblem(f"not a number: {text}") from None


def port_number(text: str) -> int:
    """A port of the switch, by number or reserved name; SyntaxProblem."""
    return _PORTS[text] if text in _PORTS else number(text)


def _mac(text: str) -> int:
    try:
        packed = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        packed = b""
    if len(packed) != 6 or text.count(":") != 5:
        raise SyntaxProblem(f"not a MAC address: {text}")
    return int.from_bytes(packed, "big")


def _masked(parse: Callable[[str], int]) -> Parser:
    def parse_masked(text: str, bits: int) -> tuple[int, int]:
        value, slash, mask = text.partition("/")
        full = (1 << bits) - 1
        found = parse(value), parse(mask) if slash else full
        if max(found) > full:
            raise SyntaxProblem(f"more than {bits} bits: {text}")
        return found

    return parse_masked


def _address(
    single: type[IPv4Address] | type[IPv6Address], prefix: type[IPv4Network] | type[IPv6Network]
) -> Parser:
    def parse(text: str, bits: int) -> tuple[int, int]:
        value, slash, mask = text.partition("/")
        try:
            if not slash:
                return int(single(value)), (1 << bits) - 1
            if mask.isdigit():
                network = prefix(text)
                return int(network.network_address), int(network.netmask)
            # A mask need not be a prefix: hosts are also chosen by their low bits.
            return int(single(value)), int(single(mask))
        except ValueError as problem:
            raise SyntaxProblem(f"not an address: {text} ({problem})") from None

    return parse


def _fragment(text: str, bits: int) -> tuple[int, int]:
    try:
        return _FRAGMENTS[text]
    except KeyError:
        raise SyntaxProblem(f"not a kind of fragment: {text}") from None


def _ct_state(text: str, bits: int) -> tuple[int, int]:
    value = mask = 0
    for sign, name in zip(
        (char for char in text if char in "+-"),
        text.replace("-", "+").split("+")[1:],
        strict=True,
    ):
        if name not in _CT_STATES:
            raise SyntaxProblem(f"not a state of a connection: {name}")
        mask |= _CT_STATES[name]
        value |= _CT_STATES[name] if sign == "+" else 0
    return value, mask


def _number_field(oxm_class: int, field: int, size: int) -> Field:
    return Field(oxm_class, field, size, _masked(number))


def _mac_field(field: int) -> Field:
    return Field(_OPENFLOW, field, 6, _masked(_mac))


def _ipv4_field(field: int) -> Field:
    return Field(_OPENFLOW, field, 4, _address(IPv4Address, IPv4Network))


def _ipv6_field(field: int) -> Field:
    return Field(_OPENFLOW, field, 16, _address(IPv6Address, IPv6Network))


FIELDS: dict[str, Field] = {
    # In the order in which a match must name them: what others depend on comes first.
    "in_port": Field(_OPENFLOW, 0, 4, _masked(port_number)),
    # The same in 16 bits, a field of its own: the text says which of the two is meant.
    "NXM_OF_IN_PORT": _number_field(_NICIRA_0, 0, 2),
    "reg0": _number_field(_NICIRA_1, 0, 4),
    "reg1": _number_field(_NICIRA_1, 1, 4),
    "reg2": _number_field(_NICIRA_1, 2, 4),
    "reg3": _number_field(_NICIRA_1, 3, 4),
    "reg6": _number_field(_NICIRA_1, 6, 4),
    "xxreg1": _number_field(_NICIRA_1, 112, 16),
    "ct_state": Field(_NICIRA_1, 105, 4, _ct_state),
    "ct_nw_proto": _number_field(_NICIRA_1, 119, 1),
    "ct_mark": _number_field(_NICIRA_1, 107, 4),
    "eth_dst": _mac_field(3),
    "eth_src": _mac_field(4),
    "vlan_tci": _number_field(_NICIRA_0, 4, 2),
    "eth_type": _number_field(_OPENFLOW, 5, 2),
    "nw_proto": _number_field(_OPENFLOW, 10, 1),
    "nw_ttl": _number_field(_NICIRA_1, 29, 1),
    "nw_frag": Field(_NICIRA_1, 26, 1, _fragment),
    "nw_src": _ipv4_field(11),
    "nw_dst": _ipv4_field(12),
    "ipv6_src": _ipv6_field(26),
    "ipv6_dst": _ipv6_field(27),
    "tcp_src": _number_field(_OPENFLOW, 13, 2),
    "tcp_dst": _number_field(_OPENFLOW, 14, 2),
    "tcp_flags": _number_field(_NICIRA_1, 34, 2),
    "udp_src": _number_field(_OPENFLOW, 15, 2),
    "udp_dst": _number_field(_OPENFLOW, 16, 2),
    "icmp_type": _number_field(_OPENFLOW, 19, 1),
    "icmp_code": _number_field(_OPENFLOW, 20, 1),
    "icmpv6_type": _number_field(_OPENFLOW, 29, 1),
    "icmpv6_code": _number_field(_OPENFLOW, 30, 1),
    "nd_target": _ipv6_field(31),
    "nd_tll": _mac_field(33),
    "nd_reserved": _number_field(_ERICSSON, 1, 4),
    "nd_options_type": _number_field(_ERICSSON, 2, 1),
    "arp_op": _number_field(_OPENFLOW, 21, 2),
    "arp_spa": _ipv4_field(22),
    "arp_tpa": _ipv4_field(23),
    "arp_sha": _mac_field(24),
    "arp_tha": _mac_field(25),
}

_SYNONYMS = {
    "dl_src": "eth_src",
    "dl_dst": "eth_dst",
    "dl_type": "eth_type",
    "ip_src": "nw_src",
    "ip_dst": "nw_dst",
    "NXM_OF_ETH_SRC": "eth_src",
    "NXM_OF_ETH_DST": "eth_dst",
    "NXM_OF_IP_SRC": "nw_src",
    "NXM_OF_IP_DST": "nw_dst",
    "NXM_NX_IPV6_SRC": "ipv6_src",
    "NXM_NX_IPV6_DST": "ipv6_dst",
    "NXM_OF_TCP_SRC": "tcp_src",
    "NXM_OF_TCP_DST": "tcp_dst",
    "NXM_OF_UDP_SRC": "udp_src",
    "NXM_OF_UDP_DST": "udp_dst",
    "NXM_OF_ARP_OP": "arp_op",
    "NXM_OF_ARP_SPA": "arp_spa",
    "NXM_OF_ARP_TPA": "arp_tpa",
    "NXM_NX_ARP_SHA": "arp_sha",
    "NXM_NX_ARP_THA": "arp_tha",
    "NXM_NX_ND_TARGET": "nd_target",
    "NXM_NX_CT_MARK": "ct_mark",
    "NXM_NX_CT_STATE": "ct_state",
    "NXM_NX_REG0": "reg0",
    "NXM_NX_REG1": "reg1",
    "NXM_NX_REG2": "reg2",
    "NXM_NX_REG3": "reg3",
    "NXM_NX_REG6": "reg6",
    "NXM_NX_XXREG1": "xxreg1",
}


def canonical(name: str) -> str:
    """The key in FIELDS of a field's name, also as NXM_...; SyntaxProblem."""
    found = _SYNONYMS.get(name, name)
    if found not in FIELDS:
        raise SyntaxProblem(f"unknown field: {name}")
    return found


@dataclass(frozen=True, slots=True)
class Subfield:
    """Bits `offset` to `offset + bits - 1` of a field."""

    field: Field
    offset: int
    bits: int

    @property
    def offset_and_bits(self) -> int:
        """As 16 bits in the Nicira actions."""
        return self.offset << 6 | self.bits - 1


def subfield(text: str) -> Subfield:
    """From `NXM_NX_REG6[0..15]`, `NXM_NX_REG6[3]`, or `NXM_NX_REG6[]` for all; SyntaxProblem."""
    name, bracket, bits = text.partition("[")
    field = FIELDS[canonical(name)]
    if not bracket or not bits.endswith("]"):
        raise SyntaxProblem(f"expected NAME[], NAME[BIT] or NAME[FIRST..LAST]: {text}")
    if bits == "]":
        return Subfield(field, 0, field.bits)
    first, _, last = bits[:-1].partition("..")
    low, high = number(first), number(last or first)
    if not low <= high < field.bits:
        raise SyntaxProblem(f"no such bits: {text}")
    return Subfield(field, low, high - low + 1)
