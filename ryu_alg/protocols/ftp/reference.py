"""The table of verbs in the documentation, made from the code.

`python -m ryu_alg.protocols.ftp.reference docs/ftp.md` brings the page up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ryu_alg.protocols.ftp.verbs import VERBS, Argument, Handling

_BEGIN = "<!-- verbs -->\n"
_END = "<!-- end -->\n"


def verb_table() -> str:
    """The table, in Markdown."""
    rows = [
        "| verb | argument | data connection | by default | changes files | what it does | RFC |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for verb in VERBS.values():
        argument = verb.argument.value.replace("|", "\\|")
        handling = verb.handling.value
        cells = (
            verb.name,
            argument if verb.argument is Argument.NONE else f"`{argument}`",
            "yes" if verb.data else "",
            handling if verb.handling is Handling.PASS else f"**{handling}**",
            "yes" if verb.writes else "",
            verb.help,
            verb.rfc,
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def updated(page: str) -> str:
    """`page` with the current table between its marks."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{verb_table()}\n{_END}{after}"


def main(page: Path) -> None:
    """Rewrites `page` in place."""
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
