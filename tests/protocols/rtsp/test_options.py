"""What the configuration may say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ryu_alg.protocols.rtsp import RtspOptions


def test_one_item_needs_no_brackets() -> None:
    options = RtspOptions.model_validate(
        {"rules": [{"action": "deny", "methods": "record"}], "media_hosts": "192.0.2.0/24"}
    )
    assert options.rules[0].methods == ("RECORD",)
    assert len(options.media_hosts) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules": [{"action": "deny", "methods": "TEARDOWN"}]},
        {"rules": [{"action": "deny", "methods": "no method"}]},
        {"rules": [{"methods": "PLAY"}]},
        {"media_hosts": "somewhere"},
        {"unknown": 1},
    ],
)
def test_mistakes(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RtspOptions.model_validate(wrong)
