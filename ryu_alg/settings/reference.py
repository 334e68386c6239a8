"""The tables of the configuration's page, made from the models.

    python -m ryu_alg.settings.reference docs/configuration.md docs/tftp.md

The first page has a table of every section, the others of those that they want. A page is written
by hand, but for what stands between `<!-- keys of X -->` and `<!-- end -->`: X is the path of a
section, `timers` or `realms.inside[]`, and the table there is made from the models, so that it
cannot differ from what is read.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings.protocols import InstalledProtocols
from ryu_alg.settings.schema import json_schema

_MARKED = re.compile(r"(<!-- keys of (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)

ROOT = "the file"
"""How the page calls the section that has no key: the whole document."""


class UnknownSectionError(Exception):
    """The page asks for a section that the models don't have, or leaves one out."""


def updated(page: str, installed: Mapping[str, ProtocolSpec], *, whole: bool = True) -> str:
    """`page` with its tables made anew; with `whole`, it has to have them all. Raises
    UnknownSectionError."""
    tables = dict(sections(json_schema(installed)))
    shown = [match[2] for match in _MARKED.finditer(page)]
    wrong = set(shown) ^ set(tables) if whole else set(shown) - set(tables)
    if wrong:
        raise UnknownSectionError(", ".join(sorted(wrong)))
    return _MARKED.sub(lambda match: f"{match[1]}\n{tables[match[2]]}\n{match[3]}", page)


def sections(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The path and the Markdown table of each section in `schema`, from the root down."""
    yield from _section(ROOT, schema, schema["$defs"])


def _section(
    path: str, section: dict[str, Any], definitions: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    required = section.get("required", [])
    rows = [
        "| key | default | meaning |",
        "| --- | --- | --- |",
        *(
            f"| `{key}` | {_default(key in required, value)} | {_meaning(value)} |"
            for key, value in section["properties"].items()
        ),
    ]
    yield path, "\n".join(rows) + "\n"
    for key, value in section["properties"].items():
        here = key if path == ROOT else f"{path}.{key}"
        yield from _below(here, value, definitions)


def _below(
    path: str, value: dict[str, Any], definitions: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    if "items" in value:
        yield from _below(f"{path}[]", value["items"], definitions)
    for choice in value.get("anyOf", []):
        yield from _below(path, choice, definitions)
    for named in value.get("patternProperties", {}).values():
        yield from _below(f"{path}.NAME", named, definitions)
        for name, protocol in value["properties"].items():
            options = protocol["properties"]["options"]
            yield from _below(f"{path}.{name}.options", options, definitions)
    if "$ref" in value:
        section = definitions[value["$ref"].rpartition("/")[2]]
        yield from _section(path, section, definitions)


def _default(required: bool, value: dict[str, Any]) -> str:
    if required:
        return "required"
    default = value.get("default")
    if default in (None, []) or isinstance(default, dict):
        return ""
    if isinstance(default, list):
        default = ", ".join(map(str, default))
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _meaning(value: dict[str, Any]) -> str:
    """The description, fit for a table's cell."""
    return " ".join(str(value.get("description", "")).split()).replace("|", "\\|")


def main(*pages: Path) -> None:
    """Rewrites `pages` in place."""
    installed = InstalledProtocols(built_in_only=True)
    for number, page in enumerate(pages):
        text = updated(page.read_text(encoding="utf-8"), installed, whole=number == 0)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
