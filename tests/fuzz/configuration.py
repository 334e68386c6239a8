"""Configuration: whatever the file holds, there are settings or mistakes, and nothing is raised."""

from __future__ import annotations

from pathlib import Path

from ryu_alg.assembly import engine_config, pipeline_plan
from ryu_alg.engine.engine import Engine
from ryu_alg.openflow.render import render
from ryu_alg.settings import ConfigurationError, describe, parse
from ryu_alg.settings.protocols import InstalledProtocols

ROOT = Path(__file__).parents[2]
INSTALLED = InstalledProtocols()
"""To look for them takes as long as to read a file."""


class Configuration:
    """Input: the file."""

    @staticmethod
    def seeds() -> list[bytes]:
        return sorted(
            b"\n".join(line for line in path.read_bytes().splitlines() if not _idle(line))
            for path in (ROOT / "config").glob("*.yaml")
        )

    def run(self, data: bytes) -> None:
        try:
            settings = parse(data.decode("utf-8", "replace"), installed=INSTALLED)
        except ConfigurationError as error:
            if not all(problem.wrong for problem in error.problems):
                raise
            return
        describe(settings)
        specs = {protocol: INSTALLED[protocol] for protocol in settings.protocols}
        Engine(engine_config(settings, specs))
        plan = pipeline_plan(settings, specs)
        render(plan, {network.port: network.port for network in (*plan.inside, *plan.outside)})


def _idle(line: bytes) -> bool:
    return not line.strip() or line.lstrip().startswith(b"#")
