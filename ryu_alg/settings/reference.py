"""The JSON schema and the tables of the documentation, made from the code.

    python -m ryu_alg.settings.reference config/schema.json docs/configuration.md docs/tftp.md

They know the protocols of this package, whichever others are installed. The first page has a table
of every section of the configuration, the others of those that they want. A page is written by
hand, but for what stands behind a mark, as far as `<!-- end -->`:

    <!-- keys of X -->  X is the path of a section, `timers` or `realms.inside[]`: made from the
                        models, so that it cannot differ from what is read
    <!-- rows of X -->  X is a function, `ryu_alg.protocols.ftp.reference:verbs`, that returns the
                        table's rows, first the titles
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings.protocols import InstalledProtocols
from ryu_alg.settings.schema import json_schema

_MARKED = re.compile(r"(<!-- (keys|rows) of (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)

ROOT = "the file"
"""How the page calls the section that has no key: the whole document."""


class UnknownSectionError(Exception):
    """The page asks for a section that the models don't have, or leaves one out."""


def updated(page: str, installed: Mapping[str, ProtocolSpec], *, whole: bool = True) -> str:
    """`page` with its tables made anew; with `whole`, it has to have them all. Raises
    UnknownSectionError."""
    tables = dict(sections(json_schema(installed)))
    shown = {match[3] for match in _MARKED.finditer(page) if match[2] == "keys"}
    wrong = shown ^ set(tables) if whole else shown - set(tables)
    if wrong:
        raise UnknownSectionError(", ".join(sorted(wrong)))

    def current(mark: re.Match[str]) -> str:
        table = tables[mark[3]] if mark[2] == "keys" else _table(resolve_name(mark[3])())
        return f"{mark[1]}\n{table}\n{mark[4]}"

    return _MARKED.sub(current, page)


def sections(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The path and the Markdown table of each section in `schema`, from the root down."""
    yield from _section(ROOT, schema, schema["$defs"])


def _section(
    path: str, section: dict[str, Any], definitions: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    required = section.get("required", [])
    rows = (
        (f"`{key}`", _default(key in required, value), _meaning(value))
        for key, value in section["properties"].items()
    )
    yield path, _table((("key", "default", "meaning"), *rows))
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
    """The description in one line."""
    return " ".join(str(value.get("description", "")).split())


def _table(rows: Iterable[Sequence[str]]) -> str:
    """In Markdown; the first row has the titles."""
    titles, *others = rows
    lines = (titles, ["---"] * len(titles), *others)
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n" for cells in lines
    )


def main(schema: Path, *pages: Path) -> None:
    """Writes `schema`, and rewrites `pages` in place."""
    installed = InstalledProtocols(built_in_only=True)
    schema.write_text(json.dumps(json_schema(installed), indent=2) + "\n", encoding="utf-8")
    for number, page in enumerate(pages):
        text = updated(page.read_text(encoding="utf-8"), installed, whole=number == 0)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
