"""The table of verbs in the documentation: `ryu_alg.settings.reference` puts it there."""

from __future__ import annotations

from ryu_alg.protocols.ftp.verbs import VERBS, Argument, Handling


def verbs() -> list[tuple[str, ...]]:
    """Its rows, the titles first."""
    titles = "verb|argument|data connection|by default|changes files|what it does|RFC"
    rows = [tuple(titles.split("|"))]
    for verb in VERBS.values():
        argument, handling = verb.argument.value, verb.handling.value
        rows.append(
            (
                verb.name,
                argument if verb.argument is Argument.NONE else f"`{argument}`",
                "yes" if verb.data else "",
                handling if verb.handling is Handling.PASS else f"**{handling}**",
                "yes" if verb.writes else "",
                verb.help,
                verb.rfc,
            )
        )
    return rows
