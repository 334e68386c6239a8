"""The configuration: `load` a YAML file, get `Settings` or every mistake with its line.

`Settings` and its parts are immutable pydantic models; addresses in them are `ipaddress`
objects, endpoints are `inspection.Endpoint`, durations are seconds.
"""

from ryu_alg.settings.description import describe
from ryu_alg.settings.limits import Quotas, Timers
from ryu_alg.settings.loading import load, load_to_start, parse
from ryu_alg.settings.model import RestSettings, Settings
from ryu_alg.settings.openflow import OpenFlowSettings, TlsFiles
from ryu_alg.settings.parsers import Action, FailMode, RuleTransport
from ryu_alg.settings.ports import PortRange
from ryu_alg.settings.problems import ConfigurationError, Problem
from ryu_alg.settings.realms import (
    AttachedNetwork,
    GatewaySwitch,
    InsideNetwork,
    OutsideNetwork,
    Partitions,
    PublicSide,
    Realms,
)
from ryu_alg.settings.schema import json_schema
from ryu_alg.settings.traffic import (
    OutboundPolicy,
    OutboundRule,
    ProtocolSettings,
    PublishedService,
)

__all__ = [
    "Action",
    "AttachedNetwork",
    "ConfigurationError",
    "FailMode",
    "GatewaySwitch",
    "InsideNetwork",
    "OpenFlowSettings",
    "OutboundPolicy",
    "OutboundRule",
    "OutsideNetwork",
    "Partitions",
    "PortRange",
    "Problem",
    "ProtocolSettings",
    "PublicSide",
    "PublishedService",
    "Quotas",
    "Realms",
    "RestSettings",
    "RuleTransport",
    "Settings",
    "Timers",
    "TlsFiles",
    "describe",
    "json_schema",
    "load",
    "load_to_start",
    "parse",
]
