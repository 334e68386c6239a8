"""The text files in flows/: flows in the syntax of ovs-ofctl, with placeholders and repetition.

- `{name}` is replaced by a value; an unknown name is an error.
- An indented line continues the flow before it.
- `# for each NAME:` repeats the flows from there to the next empty line (or the end), once for
  each row of the set NAME, whose columns are further placeholders.
- The table comes from the number that the file name starts with; a flow without a cookie
  gets the static cookie of its table, and `{drop}` is the drop counter's cookie there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ryu_alg.openflow.cookies import Kind, cookie

Row = Mapping[str, object]

_FOR_EACH = re.compile(r"# for each (\w+):")
_TABLE = re.compile(r"(\d+)-\w+\.flows")


class TemplateError(ValueError):
    """A file in flows/ is wrong; the message says which, and how."""


def fill(name: str, text: str, values: Row, row_sets: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """The flows of the file `name` with the content `text`, one line each.

    Raises TemplateError for a bad file name, and an unknown set or placeholder.
    """
    found = _TABLE.fullmatch(name)
    if found is None:
        raise TemplateError(f"{name}: expected a name like 0-classify.flows")
    table = int(found[1])
    values = {**values, "drop": hex(cookie(Kind.DROP, table))}
    for rows, flows in _blocks(name, text, row_sets):
        for row in rows:
            for flow in flows:
                yield _complete(table, _substitute(name, flow, {**values, **row}))


def _blocks(
    name: str, text: str, row_sets: Mapping[str, Sequence[Row]]
) -> Iterator[tuple[Sequence[Row], list[str]]]:
    """Flows that are repeated together, with the rows to repeat them for."""
    rows: Sequence[Row] = ({},)
    flows: list[str] = []
    for line in text.splitlines():
        directive = _FOR_EACH.fullmatch(line)
        if directive or not line.strip():
            yield rows, flows
            rows, flows = ({},), []
        if directive:
            if directive[1] not in row_sets:
                raise TemplateError(f"{name}: no set of rows is called {directive[1]}")
            rows = row_sets[directive[1]]
        elif line.startswith("#") or not line.strip():
            continue
        elif line[0].isspace() and flows:
            separator = "" if flows[-1].endswith(",") else " "
            flows[-1] += separator + line.strip()
        else:
            flows.append(line.strip())
    yield rows, flows


def _substitute(name: str, flow: str, values: Row) -> str:
    def value(found: re.Match[str]) -> str:
        try:
            return str(values[found[1]])
        except KeyError:
            raise TemplateError(f"{name}: nothing is called {{{found[1]}}} in: {flow}") from None

    return re.sub(r"\{(\w+)\}", value, flow)


def _complete(table: int, flow: str) -> str:
    if flow.startswith("cookie="):
        return f"table={table},{flow}"
    return f"table={table},cookie={cookie(Kind.STATIC, table):#x},{flow}"
