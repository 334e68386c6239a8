"""What protocols there are: where they come from, what they take, and whether they are in use."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from ryu_alg.settings.model import Settings
from ryu_alg.settings.protocols import InstalledProtocols, ProtocolUnusableError


def inventory(installed: InstalledProtocols, settings: Settings | None) -> list[dict[str, Any]]:
    """One item for each installed protocol, fit for JSON; a broken one has an `error`.

    With `settings`, each says whether it is `on`, and where it is bound.
    """
    return [_item(name, installed, settings) for name in installed]


def _item(name: str, installed: InstalledProtocols, settings: Settings | None) -> dict[str, Any]:
    item: dict[str, Any] = {"name": name, "packages": list(installed.packages(name))}
    try:
        spec = installed[name]
        item |= {
            "transports": [transport.name.lower() for transport in spec.transports],
            "ports": list(spec.ports),
            "summary": spec.summary,
            "options": [
                {
                    "name": field.alias or option,
                    "default": None if field.is_required() else _default(field),
                    "required": field.is_required(),
                    "meaning": " ".join((field.description or "").split()),
                }
                for option, field in spec.options.model_fields.items()
            ],
            "error": None,
        }
    except ProtocolUnusableError as error:
        item["error"] = str(error)
    except Exception as error:  # a third party's default factories may raise anything
        item["error"] = f"its options: {type(error).__name__}: {error}"
    if settings is not None:
        item |= _bound(name, settings)
    return item


def _default(field: FieldInfo) -> Any:
    return to_jsonable_python(field.get_default(call_default_factory=True), fallback=str)


def _bound(name: str, settings: Settings) -> dict[str, Any]:
    bound = settings.protocols.get(name)
    if bound is None:
        return {"on": False, "bound": None}
    return {
        "on": True,
        "bound": {
            "ports": list(bound.ports),
            "servers": [str(network) for network in bound.servers],
            "published": [
                str(service.public) for service in settings.published if service.protocol == name
            ],
        },
    }
