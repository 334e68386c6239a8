"""rest.metrics: what Prometheus reads, read by its own parser."""

from __future__ import annotations

import webob
from prometheus_client.parser import text_string_to_metric_families

from ryu_alg.rest.api import Api
from ryu_alg.rest.auth import Guard
from tests.rest.model import Model, status

LABELS = {"version", "sha256", "protocol", "state", "kind", "code"}


def samples(model: Model) -> dict[tuple[str, tuple[str, ...]], float]:
    response = Api(model, Guard("127.0.0.1", None)).answer(webob.Request.blank("/metrics"))
    assert response.status_int == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if sample.name.startswith("ryu_alg") and LABELS.issuperset(sample.labels)
    }


def test_all_metrics() -> None:
    assert samples(Model()) == {
        ("ryu_alg_build_info", ("0.1.0",)): 1,
        ("ryu_alg_config_info", ("ab" * 32,)): 1,
        ("ryu_alg_uptime_seconds", ()): 61.25,
        ("ryu_alg_datapath_connected", ()): 1,
        ("ryu_alg_sessions", ("ftp",)): 2,
        ("ryu_alg_pinholes", ("open",)): 1,
        ("ryu_alg_pinholes", ("armed",)): 2,
        ("ryu_alg_bindings", ("control",)): 2,
        ("ryu_alg_punts_total", ("ftp",)): 140,
        ("ryu_alg_punts_total", ("icmp",)): 1,
        ("ryu_alg_packet_outs_total", ()): 150,
        ("ryu_alg_data_packets_total", ()): 70000,
        ("ryu_alg_data_bytes_total", ()): 100_000_000,
        ("ryu_alg_events_total", ("ftp.port.foreign_address",)): 3,
    }


def test_each_scrape_reads_anew() -> None:
    model = Model()
    samples(model)
    model.now = status(connected=False, packet_outs=151)
    now = samples(model)
    assert now["ryu_alg_datapath_connected", ()] == 0
    assert now["ryu_alg_packet_outs_total", ()] == 151


def test_event_codes_are_bounded() -> None:
    found = samples(Model(now=status(events={f"made.up.{n}": 1 for n in range(1000)})))
    events = {labels: value for (name, labels), value in found.items() if "events" in name}
    assert len(events) == 201
    assert events["other",] == 800


def test_the_process_is_measured_too() -> None:
    response = Api(Model(), Guard("127.0.0.1", None)).answer(webob.Request.blank("/metrics"))
    assert b"process_resident_memory_bytes" in response.body
