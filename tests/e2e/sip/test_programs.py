"""The programs of these tests, with no gateway between them: what fails here is not its fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from ryu_alg.lab import Lab
from tests.e2e.sip import audio
from tests.e2e.sip.calls import OUTSIDE, MakeSipp, call
from tests.e2e.sip.phone import converse, phone
from tests.e2e.sip.sipp import fresh_port
from tests.e2e.sip.sites import CAROL, OUTSIDER, PROXY

pytestmark = pytest.mark.usefixtures("proxy")


def test_registrations(sipp: MakeSipp) -> None:
    sipp(
        *("carol", CAROL, "registrations"),
        remote=f"{PROXY}:5060",
        service="carol",
        replace={"OWN": CAROL.replace(".", r"\.") + ":5060"},
    ).run()


@pytest.mark.parametrize(
    ("caller", "callee"),
    [
        ("uac", "uas"),
        ("uac-ended", "uas-ends"),
        ("uac-cancel", "uas-cancel"),
        ("uac-hold", "uas-hold"),
    ],
)
def test_calls(sipp: MakeSipp, caller: str, callee: str) -> None:
    call(sipp, OUTSIDE, caller, callee, calls=3)


def test_calls_over_tcp(sipp: MakeSipp) -> None:
    call(sipp, OUTSIDE, calls=3, transport="t1")


def test_a_call_over_the_connection_of_a_registration(sipp: MakeSipp) -> None:
    callee = sipp(
        *("carol", CAROL, "registered"),
        remote=f"{PROXY}:5060",
        service="carol",
        transport="t1",
        port=fresh_port(),
        answers="uas",
        options=("-d", "2000"),
    ).start()
    callee.wait_message("SIP/2.0 200")
    sipp(
        *(*OUTSIDE.caller, "uac"),
        remote=OUTSIDE.target,
        service="carol",
        transport="t1",
        port=fresh_port(),
    ).run()
    callee.wait()


def test_audio(sipp: MakeSipp, lab: Lab, tmp_path: Path) -> None:
    with audio.echoed(lab.host("outsider"), OUTSIDER, tmp_path):
        call(sipp, OUTSIDE, "uac-audio")


def test_phones(lab: Lab, tmp_path: Path) -> None:
    with (
        phone(lab.host("outsider"), tmp_path / "olga", OUTSIDER, f"olga@{PROXY}", tone=440) as olga,
        phone(lab.host("carol"), tmp_path / "carol", CAROL, f"carol@{PROXY}", tone=660) as carol,
    ):
        converse(olga, carol)
