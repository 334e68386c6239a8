"""The JSON schema of the configuration, made from the models.

python -m ryu_alg.settings.schema > config/schema.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings.model import Settings
from ryu_alg.settings.protocols import InstalledProtocols


class UntitledSchema(GenerateJsonSchema):
    """Keys are called what they are called: no titles made up from them."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


def json_schema(installed: Mapping[str, ProtocolSpec] | None = None) -> dict[str, Any]:
    """The schema, with the options of each installed protocol.

    It knows the keys and how values are written; what must fit together, only `load` knows.
    """
    if installed is None:
        installed = InstalledProtocols()
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(schema_generator=UntitledSchema),
        "title": "ryu_alg configuration",
    }
    protocols = schema["properties"]["protocols"]
    protocols["properties"] = {}
    for name in sorted(installed):
        options = installed[name].options.model_json_schema(
            ref_template=f"#/$defs/{name}.{{model}}", schema_generator=UntitledSchema
        )
        for model, definition in options.pop("$defs", {}).items():
            schema["$defs"][f"{name}.{model}"] = definition
        schema["$defs"][f"{name}.options"] = options
        protocols["properties"][name] = {
            "allOf": [{"$ref": "#/$defs/ProtocolSettings"}],
            "description": installed[name].summary,
            "properties": {"options": {"$ref": f"#/$defs/{name}.options"}},
        }
    return schema


if __name__ == "__main__":
    print(json.dumps(json_schema(InstalledProtocols(built_in_only=True)), indent=2))
