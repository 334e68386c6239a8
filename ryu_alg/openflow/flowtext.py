"""Flows in the syntax of ovs-ofctl, as OpenFlow 1.3 flow-mod messages.

The same text loads with `ovs-ofctl -O OpenFlow13 add-flows`, to the same flows.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from ryu_alg.openflow.actions import compile_actions, split
from ryu_alg.openflow.fields import FIELDS, SyntaxProblem, canonical, number
from ryu_alg.openflow.messages import EVERY_TABLE, NO_BUFFER, MessageType, message

_ANY = 0xFFFF_FFFF
_SEND_FLOW_REMOVED = 1
_DEFAULT_PRIORITY = 32768

_GOTO_TABLE, _APPLY_ACTIONS, _METER = 1, 4, 6

_PROTOCOLS: dict[str, dict[str, int]] = {
    "arp": {"eth_type": 0x0806},
    "ip": {"eth_type": 0x0800},
    "icmp": {"eth_type": 0x0800, "nw_proto": 1},
    "tcp": {"eth_type": 0x0800, "nw_proto": 6},
    "udp": {"eth_type": 0x0800, "nw_proto": 17},
    "ipv6": {"eth_type": 0x86DD},
    "icmp6": {"eth_type": 0x86DD, "nw_proto": 58},
    "tcp6": {"eth_type": 0x86DD, "nw_proto": 6},
    "udp6": {"eth_type": 0x86DD, "nw_proto": 17},
}

# Names that mean another field in another protocol.
_BY_PROTOCOL = {
    (6, "tp_src"): "tcp_src",
    (6, "tp_dst"): "tcp_dst",
    (17, "tp_src"): "udp_src",
    (17, "tp_dst"): "udp_dst",
    (58, "icmp_type"): "icmpv6_type",
    (58, "icmp_code"): "icmpv6_code",
}

_ORDER = {name: place for place, name in enumerate(FIELDS)}


class Command(IntEnum):
    """What to do with a flow (section A.3.4.1)."""

    ADD = 0
    DELETE = 3
    DELETE_STRICT = 4


def flow_mod(text: str, command: Command = Command.ADD) -> bytes:
    """The message that adds (or deletes) the flow of one line.

    To delete, the line has no `actions=`. Raises SyntaxProblem, which quotes what is wrong.
    """
    match_text, has_actions, actions = text.partition("actions=")
    if bool(has_actions) != (command is Command.ADD):
        raise SyntaxProblem(f"actions belong to a flow that is added, and only to it: {text}")
    options = {
        "table": 0,
        "priority": _DEFAULT_PRIORITY,
        "cookie": 0,
        "idle_timeout": 0,
        "hard_timeout": 0,
    }
    flags = 0
    matches: dict[str, tuple[str, str]] = {}
    fields: dict[str, tuple[int, int]] = {}
    for part in split(match_text):
        key, equals, value = part.partition("=")
        if key in options and equals:
            options[key] = number(value)
        elif part == "send_flow_rem":
            flags |= _SEND_FLOW_REMOVED
        elif part in _PROTOCOLS:
            for name, fixed in _PROTOCOLS[part].items():
                fields[name] = fixed, (1 << FIELDS[name].bits) - 1
        else:
            matches[key] = part, value
    protocol = fields.get("nw_proto", (0, 0))[0]
    for key, (part, value) in matches.items():
        name = canonical(_BY_PROTOCOL.get((protocol, key), key))
        if not value:
            raise SyntaxProblem(f"expected a protocol or FIELD=VALUE: {part}")
        fields[name] = FIELDS[name].parse(value, FIELDS[name].bits)
    return _message(
        command=command,
        table=options["table"],
        priority=options["priority"],
        cookie=options["cookie"],
        cookie_mask=0,
        idle=options["idle_timeout"],
        hard=options["hard_timeout"],
        flags=flags,
        match=_match(fields),
        instructions=_instructions(actions.strip()),
    )


def delete_by_cookie(cookie: int, mask: int) -> bytes:
    """The message that deletes every flow whose cookie, under `mask`, is `cookie`."""
    return _message(
        command=Command.DELETE,
        table=EVERY_TABLE,
        priority=0,
        cookie=cookie,
        cookie_mask=mask,
        idle=0,
        hard=0,
        flags=0,
        match=_ANY_PACKET,
        instructions=b"",
    )


def delete_every_flow() -> bytes:
    """The message that empties every table."""
    return delete_by_cookie(0, 0)


def flow_stats_request(cookie: int, mask: int, xid: int) -> bytes:
    """The message that asks for the counters of the flows that `cookie` and `mask` choose."""
    flow_statistics = 1
    return message(
        MessageType.MULTIPART_REQUEST,
        struct.pack("!HH4xB3xII4xQQ", flow_statistics, 0, EVERY_TABLE, _ANY, _ANY, cookie, mask)
        + _ANY_PACKET,
        xid,
    )


def _message(
    *,
    command: Command,
    table: int,
    priority: int,
    cookie: int,
    cookie_mask: int,
    idle: int,
    hard: int,
    flags: int,
    match: bytes,
    instructions: bytes,
) -> bytes:
    return message(
        MessageType.FLOW_MOD,
        struct.pack(
            "!QQBBHHHIIIH2x",
            cookie,
            cookie_mask,
            table,
            command,
            idle,
            hard,
            priority,
            NO_BUFFER,
            _ANY,
            _ANY,
            flags,
        )
        + match
        + instructions,
    )


def _match(fields: dict[str, tuple[int, int]]) -> bytes:
    oxm = b"".join(
        FIELDS[name].oxm(*fields[name]) for name in sorted(fields, key=_ORDER.__getitem__)
    )
    match = struct.pack("!HH", 1, 4 + len(oxm)) + oxm
    return match + bytes(-len(match) % 8)


_ANY_PACKET = _match({})


def _instructions(text: str) -> bytes:
    """`meter:N` first, `goto_table:N` last, and actions to apply between them."""
    parts = list(split(text))
    meter = goto = b""
    if parts and parts[0].startswith("meter:"):
        meter = struct.pack("!HHI", _METER, 8, number(parts.pop(0).removeprefix("meter:")))
    if parts and parts[-1].startswith("goto_table:"):
        table = number(parts.pop().removeprefix("goto_table:"))
        goto = struct.pack("!HHB3x", _GOTO_TABLE, 8, table)
    applied = compile_actions(",".join(parts)) if parts else b""
    if applied:
        applied = struct.pack("!HH4x", _APPLY_ACTIONS, 8 + len(applied)) + applied
    return meter + applied + goto
