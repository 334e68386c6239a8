"""The JSON schema of the configuration, made from the models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings.model import Settings
from ryu_alg.settings.ports import PortRange
from ryu_alg.settings.protocols import InstalledProtocols, ProtocolUnusableError


class ConfigurationSchema(GenerateJsonSchema):
    """Keys have no titles made up from them, and defaults are written as in the file."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The default of a single value as it may be written."""
        found = super().default_schema(schema)
        written = schema["schema"].get("serialization")
        if written is not None and written["type"] == "function-plain" and "default" in found:
            found["default"] = written["function"](schema["default"])
        return found

    def encode_default(self, dft: Any) -> Any:
        """The default of a list as it may be written."""
        if isinstance(dft, tuple):
            return [self.encode_default(item) for item in dft]
        return str(dft) if isinstance(dft, PortRange) else super().encode_default(dft)


def json_schema(installed: Mapping[str, ProtocolSpec] | None = None) -> dict[str, Any]:
    """The schema, with the options of each installed protocol.

    It knows the keys and how values are written; what must fit together, only `load` knows.
    """
    if installed is None:
        installed = InstalledProtocols()
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(schema_generator=ConfigurationSchema),
        "title": "ryu_alg configuration",
    }
    protocols = schema["properties"]["protocols"]
    protocols["properties"] = {}
    protocols["additionalProperties"] = False
    for name in sorted(installed):
        try:
            options = installed[name].options.model_json_schema(
                ref_template=f"#/$defs/{name}.{{model}}", schema_generator=ConfigurationSchema
            )
        except (ProtocolUnusableError, PydanticInvalidForJsonSchema):
            continue  # `load` says what is wrong with it, if it is wanted
        for model, definition in options.pop("$defs", {}).items():
            schema["$defs"][f"{name}.{model}"] = definition
        schema["$defs"][f"{name}.options"] = options
        protocols["properties"][name] = {
            "allOf": [{"$ref": "#/$defs/ProtocolSettings"}],
            "description": installed[name].summary,
            "properties": {"options": {"$ref": f"#/$defs/{name}.options"}},
        }
    return schema
