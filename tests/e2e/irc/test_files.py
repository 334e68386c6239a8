"""Files from one WeeChat to another, one of them behind NAT."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.e2e.gateway import RunningGateway
from tests.e2e.irc.conftest import StartWeeChat
from tests.e2e.waiting import wait_for

SIZE = 3_000_000


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("sender", "receiver"), [("client", "outsider"), ("outsider", "client")], ids=["out", "in"]
)
def test_send_and_resume(
    sender: str, receiver: str, weechat: StartWeeChat, gateway: RunningGateway, tmp_path: Path
) -> None:
    before = gateway.last_event()
    content = os.urandom(SIZE)
    for name in ("whole", "half"):
        (tmp_path / f"{name}.bin").write_bytes(content)
    amy, bob = weechat(sender, "amy"), weechat(receiver, "bob")
    amy.send("bob", tmp_path / "whole.bin")
    assert digest(bob.received("whole.bin")) == digest(content)
    (bob.downloads / "half.bin.part").write_bytes(content[: SIZE // 2])
    amy.send("bob", tmp_path / "half.bin")
    assert digest(bob.received("half.bin")) == digest(content)
    wait_for(lambda: f"half.bin resumed at position {SIZE // 2}" in amy.said(), "the other half")
    opened = 2 if sender == "client" else 0
    gateway.wait_for(lambda: not gateway.pinholes(), "no pinhole")
    assert len(gateway.events(before, "pinhole.used")) == opened
