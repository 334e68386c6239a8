"""The table of verbs in the documentation: `ryu_alg.settings.reference` puts it there."""

from __future__ import annotations

from ryu_alg.protocols.irc.verbs import VERBS, Shape

_EFFECT = {
    Shape.FILE_OFFER: "address and port, and opens",
    Shape.OFFER: "address and port, and opens",
    Shape.POSITION: "port",
}


def verbs() -> list[tuple[str, ...]]:
    """What each verb of DCC announces: the rows, the titles first."""
    rows: list[tuple[str, ...]] = [("verb", "behind it", "rewritten", "meaning")]
    for verb in VERBS.values():
        name = f"`{verb.name}`" + (", also with `T`, `S` in front" if verb.prefixes else "")
        rows.append((name, f"`{verb.shape.value}`", _EFFECT.get(verb.shape, ""), verb.what))
    return rows
