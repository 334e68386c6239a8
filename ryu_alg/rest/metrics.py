"""The gateway's numbers for Prometheus.

Made anew at each scrape from the status, so that nothing has to be counted twice. Labels take
few values: protocols, states, event codes; never an address or a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ryu_alg.engine.views import StatusView
from ryu_alg.rest.views import counts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
EVENT_CODES_MAX = 200
"""Codes come from code, a plugin's too; one that made them up from input must not hurt."""


class Metrics:
    """A Prometheus collector over the gateway's status."""

    def __init__(self, status: Callable[[], StatusView]) -> None:
        self._status = status
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def describe(self) -> list[Metric]:
        """Nothing in advance: registration must not ask for the status."""
        return []

    def text(self) -> bytes:
        """All metrics, in the Prometheus text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape."""
        status = self._status()
        build = GaugeMetricFamily("ryu_alg_build_info", "Always 1.", labels=["version"])
        build.add_metric([status.version], 1)
        yield build
        config = GaugeMetricFamily(
            "ryu_alg_config_info", "The configuration in force. Always 1.", labels=["sha256"]
        )
        config.add_metric([status.config_sha256], 1)
        yield config
        yield GaugeMetricFamily(
            "ryu_alg_uptime_seconds", "Since the gateway started.", value=status.uptime
        )
        yield GaugeMetricFamily(
            "ryu_alg_datapath_connected",
            "Whether the switch is connected and its pipeline installed.",
            value=int(status.connected),
        )
        yield _gauge("ryu_alg_sessions", "Control sessions.", "protocol", status.sessions)
        yield _gauge("ryu_alg_pinholes", "Expected data connections.", "state", status.pinholes)
        yield _gauge("ryu_alg_bindings", "Public ports in use.", "kind", status.bindings)
        yield _counter(
            "ryu_alg_punts", "Control packets from the switch.", "protocol", status.punts
        )
        yield CounterMetricFamily(
            "ryu_alg_packet_outs", "Packets sent through the switch.", value=status.packet_outs
        )
        yield CounterMetricFamily(
            "ryu_alg_data_packets",
            "Packets of data connections, which the controller never saw.",
            value=status.data_packets,
        )
        yield CounterMetricFamily(
            "ryu_alg_data_bytes", "Bytes of data connections.", value=status.data_bytes
        )
        yield _counter("ryu_alg_events", "Events, by code.", "code", _bounded(status.events))


def _gauge(name: str, text: str, label: str, numbers: Mapping[Any, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in counts(numbers).items():
        family.add_metric([value], number)
    return family


def _counter(name: str, text: str, label: str, numbers: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in numbers.items():
        family.add_metric([value], number)
    return family


def _bounded(events: Mapping[str, int]) -> dict[str, int]:
    """What is over the bound is counted together, as `other`."""
    if len(events) <= EVENT_CODES_MAX:
        return dict(events)
    codes = list(events)
    kept = {code: events[code] for code in codes[:EVENT_CODES_MAX]}
    kept["other"] = sum(events[code] for code in codes[EVENT_CODES_MAX:])
    return kept
