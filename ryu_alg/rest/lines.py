"""Items as lines of text, the way `conntrack -L` has them: some words, then key=value.

The order of fields is the order of keys in the JSON. Values come from the network in part:
whatever is not plain is written as a JSON string, so that nothing reaches the terminal's
own control sequences and a line stays a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ryu_alg.rest.client import Item

LEADING = {
    "sessions": (("protocol", 8), ("transport", 3), ("state", 9)),
    "pinholes": (("protocol", 8), ("transport", 3), ("state", 7)),
    "bindings": (("transport", 3), ("kind", 9)),
    "events": (("time", 27), ("code", 24)),
}
"""Which fields stand in front without their names, and how wide."""


def line(kind: str, item: Item) -> str:
    """`item` of the list `kind`, on one line."""
    leading = LEADING[kind]
    words = [plain(item.get(name)).ljust(width) for name, width in leading]
    names = {name for name, _ in leading}
    words += [f"{name}={plain(value)}" for name, value in item.items() if name not in names]
    return " ".join(words)


def flat(item: Item, prefix: str = "") -> Iterator[str]:
    """A nested document as lines `outer.inner=value`."""
    for name, value in item.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={plain(value)}"


def plain(value: Any) -> str:
    """`value` as one word. None and an empty list are `-`."""
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(plain(part) for part in value)
    text = str(value)
    if text and text.isprintable() and text.isascii() and not set(text) & set(' "'):
        return text
    # json leaves DEL as it is.
    return json.dumps(text).replace("\x7f", "\\u007f")
