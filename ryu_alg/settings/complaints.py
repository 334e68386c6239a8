"""Pydantic's validation errors, put as findings that say what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ryu_alg.settings.parsers import shown
from ryu_alg.settings.problems import Finding, KeyPath

_NOT_A_MAPPING = frozenset({"model_type", "model_attributes_type", "dict_type"})
_BEGINNING = re.compile("(?:Input should be|Input is not|value is not) ")
_NOT_A_LIST = frozenset({"tuple_type", "list_type", "set_type", "frozen_set_type"})


def complaints(error: ValidationError, model: type[BaseModel], data: Any) -> Iterator[Finding]:
    """One finding for each place in `data` where `model` does not accept it."""
    places: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        if _caused(detail):
            continue
        path = tuple(part for part in detail["loc"] if part != "[key]")
        places.setdefault(_written(path, detail["type"] == "missing", data), []).append(detail)
    for path, details in places.items():
        yield _finding(path, details, model)


def _caused(detail: ErrorDetails) -> bool:
    """Whether this is about a list that is too short only because of its wrong items."""
    if detail["type"] != "too_short":
        return False
    return bool(len(detail["input"]) >= detail["ctx"]["min_length"])


def _written(path: KeyPath, missing: bool, data: Any) -> KeyPath:
    """`path` without what pydantic adds to say which member of a union it has tried."""
    for position, part in enumerate(path):
        here = isinstance(data, dict) and part in data
        here = here or (isinstance(data, list) and isinstance(part, int) and part < len(data))
        if not here:
            return path[: position + missing]
        data = data[part]
    return path


def _finding(path: KeyPath, details: list[ErrorDetails], model: type[BaseModel]) -> Finding:
    detail = details[0]
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "settings":
        return Finding(path, context["wrong"], context["right"])
    if kind == "extra_forbidden":
        return Finding(path, "there is no such key", _similar_key(str(path[-1]), path, model))
    about = _first_sentence(_field(path, model))
    if kind == "missing":
        return Finding(path, "is missing", about or "it is required")
    value = detail["input"]
    if kind in _NOT_A_MAPPING:
        return Finding(path, f"{shown(value)} is not a mapping", _keys_wanted(path, model))
    if kind in _NOT_A_LIST:
        right = "write a list"
        if isinstance(value, str | int | float):
            right = f"write a list: [{value}]"
        return Finding(path, f"{shown(value)} is not a list", right)
    if kind == "too_short":
        return Finding(path, "the list is empty", f"it needs one item at least: {about}")
    if kind == "value_error":
        return Finding(path, detail["msg"].removeprefix("Value error, "), about)
    return Finding(path, f"{shown(value)} does not fit", _wanted(each["msg"] for each in details))


def _wanted(messages: Iterable[str]) -> str:
    """Pydantic's messages about one value, of which it should have met any."""
    wanted = [_BEGINNING.subn("", message, count=1) for message in dict.fromkeys(messages)]
    joined = " or ".join(text for text, _ in wanted)
    return f"it should be {joined}" if all(count for _, count in wanted) else joined


def _similar_key(key: str, path: KeyPath, model: type[BaseModel]) -> str:
    keys = _keys(_annotation(path[:-1], model))
    close = get_close_matches(key, keys, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"the keys here are {', '.join(keys)}" if keys else "remove it"


def _keys_wanted(path: KeyPath, model: type[BaseModel]) -> str:
    keys = _keys(_annotation(path, model))
    return f"write keys and values: {', '.join(keys)}" if keys else "write keys and values"


def _first_sentence(field: FieldInfo | None) -> str:
    description = field.description if field and field.description else ""
    return description.split(". ")[0].rstrip(".")


def _named(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of `model` by the keys that stand for them in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _keys(annotation: Any) -> list[str]:
    model = _model(annotation)
    return list(_named(model)) if model else []


def _field(path: KeyPath, model: type[BaseModel]) -> FieldInfo | None:
    """The field that holds `path`, or the list or mapping around it."""
    names = [position for position, part in enumerate(path) if isinstance(part, str)]
    for position in reversed(names):
        owner = _model(_annotation(path[:position], model))
        if owner is not None:
            return _named(owner).get(str(path[position]))
    return None


def _annotation(path: KeyPath, model: type[BaseModel]) -> Any:
    """The type that is expected at `path`; None where that cannot be told."""
    here: Any = model
    for part in path:
        owner = _model(here)
        if owner is not None:
            field = _named(owner).get(str(part))
            here = field.annotation if field else None
        else:
            here = _item(here)
    return here


def _item(annotation: Any) -> Any:
    """What a list or mapping type holds."""
    arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
    return arguments[-1] if arguments else None


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model that `annotation` is, or that it allows besides None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType):
        models = [_model(argument) for argument in get_args(annotation)]
        return next((found for found in models if found), None)
    return None
