"""The tables in the documentation, made from the code.

`python -m ryu_alg.protocols.irc.reference docs/irc.md` brings the page up to date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from ryu_alg.protocols.irc.options import IrcOptions
from ryu_alg.protocols.irc.verbs import VERBS, Shape

_MARKED = re.compile(r"(<!-- (verbs|options) -->\n).*?(<!-- end -->)", re.DOTALL)
_EFFECT = {
    Shape.FILE_OFFER: "address and port, and opens",
    Shape.OFFER: "address and port, and opens",
    Shape.POSITION: "port",
}


def verb_table() -> str:
    """What each verb of DCC announces."""
    rows = [_row("verb", "behind it", "rewritten", "meaning"), _rule(4)]
    for verb in VERBS.values():
        name = f"`{verb.name}`" + (", also with `T`, `S` in front" if verb.prefixes else "")
        rows.append(_row(name, f"`{verb.shape.value}`", _EFFECT.get(verb.shape, ""), verb.what))
    return "\n".join(rows) + "\n"


def option_table() -> str:
    """The options."""
    rows = [_row("option", "default", "meaning"), _rule(3)]
    for name, field in IrcOptions.model_fields.items():
        meaning = " ".join((field.description or "").split())
        rows.append(_row(f"`{name}`", _default(field.default), meaning))
    return "\n".join(rows) + "\n"


def _default(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    return "" if text in ("", None) else f"`{text}`"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(columns: int) -> str:
    return _row(*["---"] * columns)


def updated(page: str) -> str:
    """`page` with the current tables between their marks."""
    tables = {"verbs": verb_table(), "options": option_table()}
    return _MARKED.sub(lambda mark: f"{mark[1]}\n{tables[mark[2]]}\n{mark[3]}", page)


def main(page: Path) -> None:
    """Rewrites `page` in place."""
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
