"""The JSON schema."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings import json_schema
from tests.settings.conftest import ROOT


def test_the_file_is_current(built_in: Mapping[str, ProtocolSpec]) -> None:
    written = (ROOT / "config" / "schema.json").read_text()

    assert json.loads(written) == json_schema(built_in), "run `make docs`"


def test_every_key_is_described(built_in: Mapping[str, ProtocolSpec]) -> None:
    schema = json_schema(built_in)
    sections = {"": schema, **schema["$defs"]}

    blank = [
        f"{name}.{key}"
        for name, section in sections.items()
        for key, value in section["properties"].items()
        if "description" not in value
    ]

    assert not blank


def test_all_references_lead_somewhere(made_up: Mapping[str, ProtocolSpec]) -> None:
    schema = json_schema(made_up)
    text = json.dumps(schema)

    assert "ftp.Greeting" in schema["$defs"]
    for part in text.split('"$ref": "#/$defs/')[1:]:
        assert part.partition('"')[0] in schema["$defs"]


def test_defaults_are_as_they_may_be_written() -> None:
    definitions = json_schema({})["$defs"]

    assert definitions["Timers"]["properties"]["session_idle"]["default"] == "124m"
    assert definitions["PublishedService"]["properties"]["transport"]["default"] == "tcp"
    assert "6000-6063" in json_schema({})["properties"]["denied_ports"]["default"]
