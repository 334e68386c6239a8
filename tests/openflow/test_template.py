"""The directives of the files in flows/."""

from __future__ import annotations

import pytest

from ryu_alg.openflow.template import TemplateError, fill


def filled(text: str, name: str = "3-admit.flows") -> list[str]:
    values = {"mac": "02:00:00:00:00:01"}
    rows = {"network": [{"port": 1}, {"port": 2}], "nothing": []}
    return list(fill(name, text, values, rows))


def test_placeholders_are_filled_and_the_table_is_added() -> None:
    assert filled("cookie=0x1,dl_src={mac} actions=drop") == [
        "table=3,cookie=0x1,dl_src=02:00:00:00:00:01 actions=drop"
    ]


def test_cookies_are_the_tables_own() -> None:
    assert filled("actions=drop\ncookie={drop} actions=drop", "12-last.flows") == [
        "table=12,cookie=0xa16001000000000c,actions=drop",
        "table=12,cookie=0xa16009000000000c actions=drop",
    ]


def test_an_indented_line_continues_a_flow() -> None:
    assert filled("cookie=1,ip\n    actions=a,\n      b\n") == ["table=3,cookie=1,ip actions=a,b"]


def test_comments_and_empty_lines_are_nothing() -> None:
    assert filled("# words\n\n   \n# more {words}\n") == []


def test_a_block_is_repeated_row_by_row_until_an_empty_line() -> None:
    text = """\
# for each network:
cookie=1,in_port={port} actions=one
# a comment inside
cookie=2,in_port={port}
    actions=two

cookie=3 actions=once
"""
    assert filled(text) == [
        "table=3,cookie=1,in_port=1 actions=one",
        "table=3,cookie=2,in_port=1 actions=two",
        "table=3,cookie=1,in_port=2 actions=one",
        "table=3,cookie=2,in_port=2 actions=two",
        "table=3,cookie=3 actions=once",
    ]


def test_a_block_without_rows_is_nothing() -> None:
    assert filled("# for each nothing:\ncookie=1,in_port={port} actions=drop\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cookie=1,in_port={prot} actions=drop", r"nothing is called \{prot\}"),
        ("# for each netwrok:\nactions=drop", "no set of rows is called netwrok"),
    ],
)
def test_unknown_names_are_refused(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        filled(text)


def test_file_names_say_the_table() -> None:
    with pytest.raises(TemplateError, match=r"admit\.flows"):
        filled("", "admit.flows")
