"""The tables in the documentation, made from the code.

`python -m ryu_alg.protocols.sip.reference docs/sip.md` brings the page up to date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pydantic import BaseModel

from ryu_alg.protocols.sip.message import Fault
from ryu_alg.protocols.sip.names import COMPACT, INFORMATIVE, LEADING, REFERRING, ROUTING
from ryu_alg.protocols.sip.options import MethodRule, SipOptions

_MARKED = re.compile(r"(<!-- (headers|options|rules|faults) -->\n).*?(<!-- end -->)", re.DOTALL)
_SHORT = {long: short for short, long in COMPACT.items()}


def header_table() -> str:
    """Which headers are read, and what becomes of one that cannot be."""
    rows = [_row("header", "short", "public address of its own", "unreadable"), _rule(4)]
    for name in (*ROUTING, *REFERRING, *INFORMATIVE):
        own = "left alone" if name in LEADING else "translated"
        bad = "left as it is" if name in INFORMATIVE else "400"
        short = _SHORT.get(name)
        rows.append(_row(f"`{_title(name)}`", f"`{short.decode()}`" if short else "", own, bad))
    return "\n".join(rows) + "\n"


def option_table(model: type[BaseModel]) -> str:
    """The fields of a model."""
    rows = [_row("option", "default", "meaning"), _rule(3)]
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _default(field.default)
        meaning = " ".join((field.description or "").split())
        rows.append(_row(f"`{name}`", default, meaning))
    return "\n".join(rows) + "\n"


def fault_table() -> str:
    """Why a message is refused as such, and what its sender reads."""
    rows = [_row("event", "phrase of the response"), _rule(2)]
    for fault in Fault:
        rows.append(_row(f"`sip.malformed.{fault.name.lower()}`", fault.value))
    return "\n".join(rows) + "\n"


def _default(value: object) -> str:
    return "" if value == () or isinstance(value, BaseModel) else f"`{value}`"


def _title(name: bytes) -> str:
    return name.decode().title().replace("-Id", "-ID").replace("-IDentity", "-Identity")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _rule(columns: int) -> str:
    return _row(*["---"] * columns)


def updated(page: str) -> str:
    """`page` with the current tables between their marks."""
    tables = {
        "headers": header_table(),
        "options": option_table(SipOptions),
        "rules": option_table(MethodRule),
        "faults": fault_table(),
    }
    return _MARKED.sub(lambda mark: f"{mark[1]}\n{tables[mark[2]]}\n{mark[3]}", page)


def main(page: Path) -> None:
    """Rewrites `page` in place."""
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
