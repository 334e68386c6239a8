"""YAML text as plain data, with the line of every key.

Scalars follow the YAML 1.2 core schema, not PyYAML's YAML 1.1: `on` and `12:34:56:12:34:56`
are text, and `0000000000000001` is not an octal number.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ryu_alg.settings.problems import Finding, KeyPath

NODES_MAX = 100_000
"""Nodes of one document after its aliases are expanded."""
DEPTH_MAX = 64
"""Nested collections in one document."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
"""Longer ones stay text: no setting is one, and Python refuses to read the longest."""
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)


class SourceError(Exception):
    """The text is not YAML, or YAML that no configuration needs."""

    def __init__(self, line: int, finding: Finding) -> None:
        super().__init__(finding.wrong)
        self.line = line
        self.finding = finding


class Source:
    """One document: its `data`, and `line(path)` for any path into it."""

    def __init__(self, text: str) -> None:
        """Raises SourceError for a syntax error, a repeated key, an alias loop, a custom tag."""
        self._lines: dict[KeyPath, int] = {(): 1}
        self._open: set[int] = set()
        root = _compose(text)
        if root is None:
            raise SourceError(1, Finding((), "the file is empty"))
        self._lines[()] = root.start_mark.line + 1
        self.data = self._plain(root, ())

    def line(self, path: KeyPath) -> int:
        """The line of the key at `path`; of the nearest key above it when it is absent."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _plain(self, node: yaml.Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        if len(self._lines) > NODES_MAX or len(path) > DEPTH_MAX:
            raise SourceError(line, Finding(path, "the document is too large"))
        if id(node) in self._open:
            raise SourceError(line, Finding(path, "this alias contains itself"))
        if node.tag not in _TAGS:
            raise SourceError(
                line,
                Finding(path, f"the tag {node.tag} means nothing here", "write the plain value"),
            )
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, path)
            return _scalar(node)
        finally:
            self._open.remove(id(node))

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise SourceError(line, Finding(path, "a key must be a word"))
            key = str(key_node.value)
            here = (*path, key)
            if key in result:
                raise SourceError(
                    line,
                    Finding(
                        here,
                        f"the key is there twice, first on line {self._lines[here]}",
                        "keep one of the two",
                    ),
                )
            self._lines[here] = line
            result[key] = self._plain(value_node, here)
        return result

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        result = []
        for position, item in enumerate(node.value):
            here = (*path, position)
            self._lines[here] = item.start_mark.line + 1
            result.append(self._plain(item, here))
        return result


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise SourceError(line, Finding((), f"not YAML: {what}")) from error
    except yaml.YAMLError as error:
        raise SourceError(1, Finding((), f"not YAML: {str(error).splitlines()[0]}")) from error
    except RecursionError as error:
        raise SourceError(1, Finding((), "the document is too deeply nested")) from error


def _scalar(node: yaml.Node) -> Any:
    value = str(node.value)
    if node.tag.endswith(":str"):
        return value
    if value in ("", "~", "null", "Null", "NULL"):
        return None
    if value in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return value.lower() == "true"
    if _INTEGER.fullmatch(value):
        return int(value)
    if _DECIMAL.fullmatch(value):
        return float(value)
    return value
