"""The types of the models' fields: a Python type, how it is read, described and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ryu_alg.inspection import Address, Endpoint, Network, Transport
from ryu_alg.settings import parsers
from ryu_alg.settings.parsers import Action, FailMode, Interface, RuleTransport
from ryu_alg.settings.ports import PORT_MAX, PortRange


@dataclass(frozen=True, slots=True, eq=False)  # by identity: a schema has no hash
class Scalar:
    """Annotates a field whose value is one YAML scalar."""

    parse: Callable[[Any], Any]
    schema: dict[str, Any]
    """JSON schema of what may be written."""
    write: Callable[[Any], Any] | None = None
    """Back to what may be written; None where the value itself may be."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        write = self.write
        return core_schema.no_info_plain_validator_function(
            self.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(write, when_used="json")
            if write
            else None,
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(self.schema)


def _string(**schema: Any) -> dict[str, Any]:
    return {"type": "string", **schema}


def _integer(low: int, high: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high}


_DURATION_SCHEMA = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        _string(pattern=r"^[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)?$"),
    ]
}
_RANGE_SCHEMA = {
    "anyOf": [_integer(1, PORT_MAX), _string(pattern=r"^[0-9]{1,5}(\s*-\s*[0-9]{1,5})?$")]
}
_COUNT_MAX = 10_000_000

Duration = Annotated[
    float, Scalar(parsers.parse_duration, _DURATION_SCHEMA, parsers.write_duration)
]
FlowTimeout = Annotated[
    int, Scalar(parsers.parse_flow_timeout, _DURATION_SCHEMA, parsers.write_duration)
]
Port = Annotated[int, Scalar(parsers.parse_port, _integer(1, PORT_MAX))]
Count = Annotated[
    int, Scalar(parsers.whole_number(1, _COUNT_MAX, "a limit"), _integer(1, _COUNT_MAX))
]
Percentage = Annotated[int, Scalar(parsers.whole_number(1, 100, "a percentage"), _integer(1, 100))]
Zone = Annotated[
    int, Scalar(parsers.whole_number(1, 65535, "a conntrack zone"), _integer(1, 65535))
]
Ports = Annotated[PortRange, Scalar(parsers.parse_port_range, _RANGE_SCHEMA, str)]
AnyAddress = Annotated[Address, Scalar(parsers.parse_address, _string(), str)]
PublicAddress = Annotated[IPv4Address, Scalar(parsers.parse_public_address, _string(), str)]
RouterAddress = Annotated[Interface, Scalar(parsers.parse_interface, _string(), str)]
Prefix = Annotated[Network, Scalar(parsers.parse_network, _string(), str)]
Selector = Annotated[str | Network, Scalar(parsers.parse_selector, _string(), str)]
ServiceEndpoint = Annotated[Endpoint, Scalar(parsers.parse_endpoint, _string(), str)]
ServiceTransport = Annotated[
    Transport,
    Scalar(
        parsers.parse_transport,
        _string(enum=["tcp", "udp"]),
        lambda transport: transport.name.lower(),
    ),
]
DatapathId = Annotated[str, Scalar(parsers.parse_datapath_id, _string(pattern="^[0-9a-fA-F]{16}$"))]
Mac = Annotated[
    str, Scalar(parsers.parse_mac, _string(pattern="^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$"))
]
Database = Annotated[
    str, Scalar(parsers.parse_database, _string(pattern=r"^(unix:/\S+|(tcp|ssl):\S+:[0-9]{1,5})$"))
]
FilePath = Annotated[Path, Scalar(parsers.parse_path, {"type": "string"}, str)]
FailModeCheck = Annotated[
    FailMode,
    Scalar(
        parsers.choice(FailMode),
        _string(enum=[choice.value for choice in FailMode]),
        lambda choice: choice.value,
    ),
]
Name = Annotated[str, Scalar(parsers.parse_name, _string(pattern="^[a-z][a-z0-9_-]{0,31}$"))]
PortName = Annotated[
    str, Scalar(parsers.parse_port_name, _string(pattern="^[A-Za-z0-9_.@-]{1,15}$"))
]
RuleAction = Annotated[
    Action,
    Scalar(parsers.choice(Action), _string(enum=["allow", "deny"]), lambda action: action.value),
]
RuleTransportChoice = Annotated[
    RuleTransport,
    Scalar(
        parsers.choice(RuleTransport),
        _string(enum=[choice.value for choice in RuleTransport]),
        lambda choice: choice.value,
    ),
]
