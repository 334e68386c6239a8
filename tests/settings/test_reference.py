"""The tables of the documentation."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings import json_schema, reference
from ryu_alg.settings.reference import UnknownSectionError, sections, updated
from ryu_alg.settings.source import Source
from tests.settings.conftest import ROOT

PAGE = ROOT / "docs" / "configuration.md"
MARKED = [page for page in (ROOT / "docs").glob("*.md") if "\n<!-- end -->\n" in page.read_text()]


@pytest.mark.parametrize("path", MARKED, ids=[path.stem for path in MARKED])
def test_a_page_is_current(path: Path, built_in: Mapping[str, ProtocolSpec]) -> None:
    page = path.read_text()

    assert page == updated(page, built_in, whole=path == PAGE), "run `make docs`"
    assert f"docs/{path.name}" in (ROOT / "Makefile").read_text()


def test_every_protocol_has_its_options_on_its_page(built_in: Mapping[str, ProtocolSpec]) -> None:
    by_hand = {"ftp"}
    for name in built_in.keys() - by_hand:
        page = (ROOT / "docs" / f"{name}.md").read_text()
        assert f"<!-- keys of protocols.{name}.options -->" in page


def test_every_section_has_a_table(built_in: Mapping[str, ProtocolSpec]) -> None:
    paths = {path for path, _ in sections(json_schema(built_in))}

    assert {
        reference.ROOT,
        "gateway",
        "realms.inside[]",
        "public.ports",
        "outbound.rules[]",
        "protocols.NAME",
        "protocols.ftp.options",
        "protocols.ftp.options.rules[]",
        "timers",
    } <= paths


def test_a_table(made_up: Mapping[str, ProtocolSpec]) -> None:
    tables = dict(sections(json_schema({"ftp": made_up["ftp"]})))

    assert tables["protocols.ftp.options.greetings[]"] == (
        "| key | default | meaning |\n"
        "| --- | --- | --- |\n"
        "| `text` | required |  |\n"
        "| `times` | `1` | How often. Not less than once. |\n"
    )


def test_rows_of_a_function() -> None:
    page = f"<!-- rows of {__name__}:verbs -->\nold\n<!-- end -->\n"
    table = "| verb | argument |\n| --- | --- |\n| EPRT | \\|family\\| |\n"
    assert updated(page, {}, whole=False) == page.replace("old\n", f"\n{table}\n")


def verbs() -> list[tuple[str, str]]:
    """What a page may ask for."""
    return [("verb", "argument"), ("EPRT", "|family|")]


@pytest.mark.parametrize(
    ("old", "new"),
    [("keys of quotas", "keys of qoutas"), ("<!-- keys of rest -->", "<!-- nothing -->")],
)
def test_a_page_that_does_not_fit_the_models(
    old: str, new: str, built_in: Mapping[str, ProtocolSpec]
) -> None:
    with pytest.raises(UnknownSectionError):
        updated(PAGE.read_text().replace(old, new), built_in)


def test_the_examples_on_the_page_are_yaml() -> None:
    blocks = re.findall(r"(?:^    .*\n)+", PAGE.read_text(), re.MULTILINE)
    known = json_schema({})["properties"]

    shown = [textwrap.dedent(block) for block in blocks]
    examples = [text for text in shown if text.partition(":")[0] in known]

    assert len(examples) >= 8
    for example in examples:
        Source(example)
