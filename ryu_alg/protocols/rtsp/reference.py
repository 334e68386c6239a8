"""The tables of options in the documentation, made from the models.

`python -m ryu_alg.protocols.rtsp.reference docs/rtsp.md` brings the page up to date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pydantic import BaseModel

from ryu_alg.protocols.rtsp.options import MethodRule, RtspOptions

_MARKED = re.compile(r"(<!-- (options|rules) -->\n).*?(<!-- end -->)", re.DOTALL)


def option_table(model: type[BaseModel]) -> str:
    """The fields of a model."""
    rows = ["| option | default | meaning |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{field.default}`"
        meaning = " ".join((field.description or "").split())
        rows.append(f"| `{name}` | {'' if field.default == () else default} | {meaning} |")
    return "\n".join(rows) + "\n"


def updated(page: str) -> str:
    """`page` with the current tables between their marks."""
    tables = {"options": option_table(RtspOptions), "rules": option_table(MethodRule)}
    return _MARKED.sub(lambda mark: f"{mark[1]}\n{tables[mark[2]]}\n{mark[3]}", page)


def main(page: Path) -> None:
    """Rewrites `page` in place."""
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
