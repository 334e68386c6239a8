"""Actions in the syntax of ovs-ofctl (ovs-actions(7)), as bytes of OpenFlow 1.3.

The Nicira extensions are described in Open vSwitch's ofp-actions.c. Only the actions that the
pipeline uses are here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from ryu_alg.openflow.fields import (
    FIELDS,
    Subfield,
    SyntaxProblem,
    canonical,
    number,
    port_number,
    subfield,
)

_NICIRA = 0x0000_2320
_IN_PORT_16 = 0xFFF8
_NO_TABLE = 0xFF

_OUTPUT, _DEC_TTL, _SET_FIELD, _EXPERIMENTER = 0, 24, 25, 0xFFFF
_MOVE, _LOAD, _RESUBMIT_TABLE, _LEARN, _FIN_TIMEOUT = 6, 7, 14, 16, 19
_CT, _NAT, _CLONE, _CT_CLEAR, _CHECK_PKT_LARGER = 35, 36, 42, 43, 49

_CT_COMMIT = 1
_NAT_SOURCE, _NAT_DESTINATION, _NAT_RANDOM = 1, 2, 16
_LEARN_IMMEDIATE = 1 << 13
_DEFAULT_PRIORITY = 32768


def compile_actions(text: str) -> bytes:
    """The bytes of a list of actions; b"" for `drop`. Raises SyntaxProblem."""
    if text == "drop":
        return b""
    return b"".join(_compile(action) for action in split(text))


def split(text: str) -> Iterator[str]:
    """The parts of a list that commas or spaces separate, but not inside parentheses."""
    part, depth = "", 0
    for piece in text.replace(" ", ",").split(","):
        depth += piece.count("(") - piece.count(")")
        part = f"{part},{piece}" if part else piece
        if depth == 0:
            if part:
                yield part
            part = ""
    if depth:
        raise SyntaxProblem(f"unbalanced parentheses: {text}")


def _compile(action: str) -> bytes:
    if action.endswith(")"):
        name, _, argument = action[:-1].partition("(")
    elif ")->" in action:
        name, _, argument = action.replace(")->", "->").partition("(")
    else:
        name, _, argument = action.partition(":")
    compiler = _ACTIONS.get(name)
    if compiler is None:
        raise SyntaxProblem(f"unknown action: {action}")
    return compiler(argument)


def _action(kind: int, body: bytes) -> bytes:
    """An action with its header, padded to a multiple of 8 bytes."""
    body += bytes(-(len(body) + 4) % 8)
    return struct.pack("!HH", kind, len(body) + 4) + body


def _nicira(subtype: int, body: bytes) -> bytes:
    return _action(_EXPERIMENTER, struct.pack("!IH", _NICIRA, subtype) + body)


def _output(argument: str) -> bytes:
    return _action(_OUTPUT, struct.pack("!IH", port_number(argument), 0))


def _controller(argument: str) -> bytes:
    max_len = number(argument.removeprefix("max_len="))
    return _action(_OUTPUT, struct.pack("!IH", port_number("CONTROLLER"), max_len))


def _in_port(argument: str) -> bytes:
    return _output("IN_PORT")


def _dec_ttl(argument: str) -> bytes:
    return _action(_DEC_TTL, b"")


def _arrow(argument: str) -> tuple[str, str]:
    source, arrow, target = argument.partition("->")
    if not arrow:
        raise SyntaxProblem(f"expected SOURCE->TARGET: {argument}")
    return source, target


def _set_field(argument: str) -> bytes:
    text, name = _arrow(argument)
    field = FIELDS[canonical(name)]
    value, mask = field.parse(text, field.bits)
    if mask != (1 << field.bits) - 1:
        raise SyntaxProblem(f"only whole fields can be set: {argument}")
    return _action(_SET_FIELD, field.oxm(value, mask))


def _load(argument: str) -> bytes:
    text, name = _arrow(argument)
    target, value = subfield(name), number(text)
    if value >> target.bits:
        raise SyntaxProblem(f"more than {target.bits} bits: {argument}")
    return _nicira(_LOAD, struct.pack("!H4sQ", target.offset_and_bits, target.field.header, value))


def _move(argument: str) -> bytes:
    source, target = (subfield(text) for text in _arrow(argument))
    if source.bits != target.bits:
        raise SyntaxProblem(f"as many bits on both sides: {argument}")
    return _nicira(
        _MOVE,
        struct.pack("!HHH", source.bits, source.offset, target.offset)
        + source.field.header
        + target.field.header,
    )


def _resubmit(argument: str) -> bytes:
    port, comma, table = argument.partition(",")
    if port or not comma:
        raise SyntaxProblem(f"expected resubmit(,TABLE): {argument}")
    return _nicira(_RESUBMIT_TABLE, struct.pack("!HB3x", _IN_PORT_16, number(table)))


def _clone(argument: str) -> bytes:
    return _nicira(_CLONE, bytes(6) + compile_actions(argument))


def _check_pkt_larger(argument: str) -> bytes:
    """`check_pkt_larger(BYTES)->FIELD[BIT]`: whether the frame is longer."""
    length, target = _arrow(argument)
    bit = subfield(target)
    if bit.bits != 1:
        raise SyntaxProblem(f"one bit: {argument}")
    where = struct.pack("!HH4s", number(length), bit.offset, bit.field.header)
    return _nicira(_CHECK_PKT_LARGER, where)


def _fin_timeout(argument: str) -> bytes:
    seconds = dict(_pairs(argument))
    return _nicira(
        _FIN_TIMEOUT,
        struct.pack(
            "!HH2x",
            number(seconds.get("idle_timeout", "0")),
            number(seconds.get("hard_timeout", "0")),
        ),
    )


def _pairs(argument: str) -> Iterator[tuple[str, str]]:
    for part in split(argument):
        key, _, value = part.partition("=")
        yield key, value


def _ct(argument: str) -> bytes:
    flags = zone = 0
    table = _NO_TABLE
    nested = b""
    for part in split(argument):
        key, _, value = part.partition("=")
        if part == "commit":
            flags |= _CT_COMMIT
        elif key == "table":
            table = number(value)
        elif key == "zone":
            zone = number(value)
        elif part == "nat":
            nested += _nicira(_NAT, bytes(2) + struct.pack("!HH", 0, 0))
        elif part.startswith("nat("):
            nested += _nat(part[4:-1])
        elif part.startswith("exec("):
            nested += compile_actions(part[5:-1])
        else:
            raise SyntaxProblem(f"unknown part of ct: {part}")
    return _nicira(_CT, struct.pack("!HIHB3xH", flags, 0, zone, table, 0) + nested)


def _ct_clear(argument: str) -> bytes:
    return _nicira(_CT_CLEAR, bytes(6))


def _nat(argument: str) -> bytes:
    """`src=ADDRESS:LOW-HIGH,random`, or with `dst`; ports are optional, `LOW` alone is enough."""
    flags, present, values = 0, 0, b""
    for part in split(argument):
        key, _, value = part.partition("=")
        if key in ("src", "dst"):
            flags |= _NAT_SOURCE if key == "src" else _NAT_DESTINATION
            present, values = _nat_range(value)
        elif part == "random":
            flags |= _NAT_RANDOM
        else:
            raise SyntaxProblem(f"unknown part of nat: {part}")
    return _nicira(_NAT, bytes(2) + struct.pack("!HH", flags, present) + values)


def _nat_range(text: str) -> tuple[int, bytes]:
    """Which values are present, and they."""
    host, _, ports = text.partition(":")
    try:
        address = ip_address(host)
    except ValueError:
        raise SyntaxProblem(f"not an IPv4 address: {host}") from None
    present, values = 1, address.packed
    if ports:
        low, dash, high = ports.partition("-")
        present |= 1 << 4
        values += struct.pack("!H", number(low))
        if dash:
            present |= 1 << 5
            values += struct.pack("!H", number(high))
    return present, values


def _learn(argument: str) -> bytes:
    """A flow with a match and no action: it drops."""
    options = {
        "table": 1,
        "priority": _DEFAULT_PRIORITY,
        "cookie": 0,
        "idle_timeout": 0,
        "hard_timeout": 0,
        "fin_idle_timeout": 0,
        "fin_hard_timeout": 0,
    }
    specification = b""
    for part in split(argument):
        key, equals, value = part.partition("=")
        if key in options:
            options[key] = number(value)
        else:
            specification += _learn_match(key, value if equals else None)
    return _nicira(
        _LEARN,
        struct.pack(
            "!HHHQHBxHH",
            options["idle_timeout"],
            options["hard_timeout"],
            options["priority"],
            options["cookie"],
            0,
            options["table"],
            options["fin_idle_timeout"],
            options["fin_hard_timeout"],
        )
        + specification,
    )


def _learn_match(name: str, value: str | None) -> bytes:
    """A match of `name`: as in the packet when there is no value."""
    if "[" in name:
        target = subfield(name)
        fixed = None if value is None else number(value)
    else:
        field = FIELDS[canonical(name)]
        target = Subfield(field, 0, field.bits)
        if value is None:
            raise SyntaxProblem(f"expected {name}=VALUE or {name}[]")
        fixed, _ = field.parse(value, field.bits)
    where = target.field.header + struct.pack("!H", target.offset)
    if fixed is None:
        return struct.pack("!H", target.bits) + where + where
    if fixed >> target.bits:
        raise SyntaxProblem(f"more than {target.bits} bits: {name}={value}")
    size = (target.bits + 15) // 16 * 2
    return struct.pack("!H", _LEARN_IMMEDIATE | target.bits) + fixed.to_bytes(size, "big") + where


_ACTIONS: dict[str, Callable[[str], bytes]] = {
    "output": _output,
    "controller": _controller,
    "IN_PORT": _in_port,
    "dec_ttl": _dec_ttl,
    "set_field": _set_field,
    "load": _load,
    "move": _move,
    "resubmit": _resubmit,
    "clone": _clone,
    "check_pkt_larger": _check_pkt_larger,
    "fin_timeout": _fin_timeout,
    "ct": _ct,
    "ct_clear": _ct_clear,
    "learn": _learn,
}
