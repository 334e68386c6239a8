"""`ryu-alg doctor`. It imports neither Ryu nor webob."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from ryu_alg.assembly import pipeline_plan, protocol_specs
from ryu_alg.doctor import checks
from ryu_alg.doctor.checks import Check, Outcome
from ryu_alg.doctor.flows import Flow
from ryu_alg.doctor.openvswitch import Bridge, OpenVSwitch, ToolError
from ryu_alg.doctor.rounds import Report, audit
from ryu_alg.openflow.certificates import Certificates
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.openflow.render import render
from ryu_alg.rest.client import Gateway, GatewayError
from ryu_alg.settings import ConfigurationError, Settings, load_to_start

LOCAL = "http://127.0.0.1:8080"


@click.command()
@click.argument("config", type=click.Path(path_type=Path), required=False)
@click.option("--audit", "audits", is_flag=True, help="Look at the flows, too.")
@click.option(
    "--bridge",
    metavar="BRIDGE",
    help="What ovs-ofctl calls the switch; found by its datapath id if missing.",
)
@click.option(
    "--url",
    envvar="RYU_ALG_URL",
    show_envvar=True,
    help=f"The gateway's REST endpoint; what CONFIG says, or {LOCAL}.",
)
@click.option(
    "--token-file",
    envvar="RYU_ALG_TOKEN_FILE",
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="File with the bearer token; what CONFIG says.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def doctor(
    config: Path | None,
    audits: bool,
    bridge: str | None,
    url: str | None,
    token_file: Path | None,
    as_json: bool,
) -> None:
    """Find out what is wrong with a gateway: its switch, its ports, its configuration in force.

    Each failure says what to do. With --audit, the flows of the switch are read, and each that lets
    something through must be narrow, and belong to what the running gateway has open now. Without
    CONFIG, the file that the running gateway goes by is taken. Exit status 1 if something is wrong.

    \b
    Examples:
      ryu-alg doctor /etc/ryu-alg/gateway.yaml
      ryu-alg doctor --audit
      ryu-alg doctor --audit --json | jq '.audit.findings[]'
    """
    visit = Visit(config, url, token_file, bridge)
    visit.look(audits)
    if as_json:
        click.echo(json.dumps(visit.json(), indent=2))
    else:
        for line in visit.lines():
            click.echo(line)
    if not visit.well:
        raise click.exceptions.Exit(1)


@dataclass
class Visit:
    """One look at a gateway."""

    config: Path | None
    url: str | None
    token_file: Path | None
    bridge_name: str | None
    found: list[Check] = field(default_factory=list)
    report: Report | None = None
    gateway: Gateway | None = None
    status: dict[str, Any] | None = None
    settings: Settings | None = None
    plan: PipelinePlan | None = None
    whole: bool = False
    """All protocols of the configuration can be used here."""
    bridge: Bridge | None = None

    @property
    def well(self) -> bool:
        """Nothing is wrong."""
        failed = any(check.outcome is Outcome.FAILED for check in self.found)
        return not failed and not (self.report and self.report.findings)

    def look(self, audits: bool) -> None:
        """Check everything, each thing as far as those before it allow."""
        if self.config is not None:
            self._read(self.config)
        self._ask()
        if self.config is None and self.status is not None:
            self.config = Path(str(self.status["config"]["path"]))
            self._read(self.config)
        if self.config is not None and self.status is not None and self.plan is not None:
            self.found += checks.of_gateway(self.status, self.plan.datapath_id, self.config)
        switch = OpenVSwitch()
        if self.settings is not None:
            files = self.settings.openflow.tls
            certificates = None if files is None else Certificates(**dict(files))
            switch = OpenVSwitch(self.settings.gateway.ovsdb, certificates)
        self._look_at(switch)
        if audits:
            self._audit(switch)

    def _read(self, config: Path) -> None:
        try:
            self.settings, problems = load_to_start(config)
        except ConfigurationError as error:
            self.found += [
                Check("configuration", Outcome.FAILED, str(problem)) for problem in error.problems
            ]
            return
        self.whole = not problems
        self.plan = pipeline_plan(self.settings, protocol_specs(self.settings))
        self.found += [Check("configuration", Outcome.NOTE, str(problem)) for problem in problems]
        if not problems:
            self.found.append(Check("configuration", Outcome.OK, f"{config} is valid"))

    def _ask(self) -> None:
        url, token_file = self.url or LOCAL, self.token_file
        if self.settings is not None:
            rest = self.settings.rest
            address = str(rest.bind)
            if rest.bind.is_unspecified:
                address = "127.0.0.1" if rest.bind.version == 4 else "::1"
            host = f"[{address}]" if ":" in address else address
            url = self.url or f"http://{host}:{rest.port}"
            token_file = token_file or rest.token_file
        try:
            self.gateway = Gateway(url, token_file)
            self.status = self.gateway.status()
        except GatewayError as error:
            self.found.append(Check("gateway", Outcome.FAILED, str(error)))

    def _look_at(self, switch: OpenVSwitch) -> None:
        self.found.append(checks.version(switch))
        datapath_id = self._datapath_id()
        if datapath_id is None:
            return
        try:
            self.bridge = switch.bridge(datapath_id)
        except ToolError as error:
            self.found.append(Check("bridge", Outcome.FAILED, str(error)))
            return
        names = () if self.plan is None else self.plan.port_names
        served = self.status is not None and bool(self.status["connected"])
        self.found += checks.of_bridge(self.bridge, names, served=served)
        self.found.append(checks.meters(switch, self.bridge_name or self.bridge.name))

    def _datapath_id(self) -> str | None:
        if self.plan is not None:
            return self.plan.datapath_id
        return None if self.status is None else str(self.status["datapath_id"])

    def _audit(self, switch: OpenVSwitch) -> None:
        name = self.bridge_name or (None if self.bridge is None else self.bridge.name)
        if self.gateway is None or self.status is None or name is None:
            why = "it takes a gateway that answers, and a bridge"
            self.found.append(Check("audit", Outcome.FAILED, "not done", why))
            return
        pipeline = self._pipeline()

        def read() -> tuple[list[Flow], list[Flow]]:
            if pipeline is None:
                return switch.flows(name), []
            return switch.difference(name, pipeline)

        try:
            self.report = audit(self.gateway, read, pipeline_known=pipeline is not None)
        except (GatewayError, ToolError) as error:
            self.found.append(Check("audit", Outcome.FAILED, str(error)))

    def _pipeline(self) -> list[str] | None:
        """The static flows as the switch has to have them; None if that cannot be known."""
        plan, bridge, config = self.plan, self.bridge, self.config
        if plan is not None and bridge is not None and config is not None and self.status:
            ports = all(bridge.ports.get(port, -1) > 0 for port in plan.port_names)
            if ports and self.whole and checks.same_file(self.status, config):
                return render(plan, bridge.ports)
        remedy = "name the CONFIG that is in force, to have them compared"
        detail = "the pipeline's own flows are not compared with the configuration"
        self.found.append(Check("pipeline", Outcome.NOTE, detail, remedy))
        return None

    def lines(self) -> list[str]:
        """For people."""
        shown = [str(check) for check in self.found]
        if self.report is not None:
            counts = ", ".join(f"{n} {kind}" for kind, n in sorted(self.report.flows.items()))
            shown.append(f"flows  {counts or 'none but the pipeline'}")
            shown += [f"wrong  {finding}" for finding in self.report.findings]
            if not self.report.findings:
                shown.append(
                    "ok     audit          every flow that lets something through is in order"
                )
        return shown

    def json(self) -> dict[str, Any]:
        """For programs."""
        report = self.report
        return {
            "well": self.well,
            "checks": [{**asdict(it), "outcome": it.outcome.value} for it in self.found],
            "audit": None
            if report is None
            else {
                "flows": dict(sorted(report.flows.items())),
                "findings": [asdict(finding) for finding in report.findings],
            },
        }
