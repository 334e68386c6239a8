"""No regular expression of a protocol backtracks, and no number is converted before it is known to
be short."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import ryu_alg.inspection
import ryu_alg.protocols
from tests.security.ambiguity import ambiguity

SEARCHING = {"search", "finditer", "findall", "sub", "subn", "split"}
Use = tuple[str, re.Pattern[Any], str]
"""Where, what, and by which method."""
METHODS = SEARCHING | {"match", "fullmatch", "compile"}


def modules() -> Iterator[ModuleType]:
    """All that read what comes from the network."""
    for package in (ryu_alg.inspection, ryu_alg.protocols):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def uses(module: ModuleType) -> Iterator[Use]:
    """Every expression, with how it is applied."""
    assert module.__file__
    with open(module.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        called, on = node.func.attr, node.func.value
        if called not in METHODS or not isinstance(on, ast.Name):
            continue
        place = f"{module.__name__}:{node.lineno}"
        held = getattr(module, on.id, None)
        if isinstance(held, re.Pattern):
            yield place, held, called
        elif held is re:
            yield place, inline(module, node), called


def inline(module: ModuleType, call: ast.Call) -> re.Pattern[Any]:
    """The expression that is an argument; some text for what is only known later."""
    flags = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    given = [call.args[0], *(each for each in flags if ast.unparse(each).startswith("re."))]
    texts = (ast.unparse(_Escaped().visit(each)) for each in given)
    return re.compile(*(eval(text, vars(module)) for text in texts))


class _Escaped(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        known = ast.unparse(node.func) != "re.escape"
        return self.generic_visit(node) if known else ast.Constant(b"escaped")


def all_uses() -> list[Use]:
    """Each once. What is compiled and never applied by its name may be searched for."""
    seen: dict[tuple[Any, ...], Use] = {}
    for module in modules():
        for place, pattern, method in uses(module):
            seen.setdefault((pattern.pattern, pattern.flags, method), (place, pattern, method))
    applied = {text for text, _, method in seen if method != "compile"}
    return [
        (place, pattern, "search" if method == "compile" else method)
        for place, pattern, method in seen.values()
        if method != "compile" or pattern.pattern not in applied
    ]


@pytest.mark.parametrize(
    ("pattern", "anywhere"),
    [
        (r"(a*)*b", False),
        (r"(a+)+b", False),
        (r"(?:a|ab|b)*c", False),
        (r"\S+\s*\S+", False),
        (r"a*a*b", False),
        (r"[ \t]*(?:[ \t]+x)*", False),
        (r"(?:[^:]*:?)?.*:", False),
        (r"a+b", True),
        (r"(?:a*)++(?:b+)+", False),
        (r"x(?>(?:a+)+)", False),
        (r"\s*(.*?)\s*x", False),
    ],
)
def test_what_backtracks_is_found(pattern: str, anywhere: bool) -> None:
    assert ambiguity(re.compile(pattern), anywhere=anywhere)


@pytest.mark.parametrize(
    ("pattern", "anywhere"),
    [
        (r"(?:[ \t]+\S+)*[ \t]*", False),
        (r"([^:]+)(?::(.*))?", False),
        (r"a+b", False),
        (r"\r[^\r\n]", True),
        (r"(?:[^%]|%[0-9A-F]{2})*", False),
        (r"(?:^|;)[ \t]*t", True),
        (r"(?:[^<>]++|<[^>]*+>)*+x", False),
    ],
)
def test_what_does_not_is_left_alone(pattern: str, anywhere: bool) -> None:
    assert ambiguity(re.compile(pattern), anywhere=anywhere) is None


EXPRESSIONS = all_uses()


def test_they_are_found() -> None:
    assert len(EXPRESSIONS) > 60
    assert any(place.startswith("ryu_alg.inspection.sdp") for place, _, _ in EXPRESSIONS)
    assert sum(method in SEARCHING for _, _, method in EXPRESSIONS) > 5


@pytest.mark.parametrize(("place", "pattern", "method"), EXPRESSIONS)
def test_no_expression_backtracks(place: str, pattern: re.Pattern[Any], method: str) -> None:
    problem = ambiguity(pattern, anywhere=method in SEARCHING, whole=method == "fullmatch")
    assert problem is None, f"{place}: {pattern.pattern!r}: {problem}"
