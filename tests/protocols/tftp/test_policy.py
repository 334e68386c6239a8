"""Who may read and write what."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ryu_alg.inspection import Endpoint
from ryu_alg.protocols.tftp import ErrorCode, Request, TftpOptions, Wrong, read_request, refusal
from tests.protocols.tftp.site import CLIENT, SERVER, request


def judged(
    options: dict[str, Any],
    *fields: str,
    client: Endpoint = CLIENT,
    server: Endpoint = SERVER,
    **parts: Any,
) -> Wrong | None:
    read = read_request(request(*fields, **parts))
    assert isinstance(read, Request)
    return refusal(TftpOptions.model_validate(options), read, client, server)


def test_without_rules_everything_passes() -> None:
    assert judged({}) is None
    assert judged({}, write=True) is None


def test_the_first_rule_that_fits_decides() -> None:
    rules = [
        {"action": "allow", "files": "/boot/*"},
        {"action": "deny"},
    ]
    assert judged({"rules": rules}, name="/boot/image") is None
    denied = judged({"rules": rules}, name="/etc/passwd")
    assert denied is not None
    assert (denied.code, denied.error) == ("tftp.denied", ErrorCode.ACCESS_VIOLATION)


def test_reading_and_writing() -> None:
    options = {"rules": [{"action": "deny", "requests": "write"}]}
    assert judged(options) is None
    assert judged(options, write=True)
    options = {"rules": [{"action": "deny", "requests": "read"}]}
    assert judged(options)
    assert judged(options, write=True) is None


@pytest.mark.parametrize("name", ["/boot/../x", "/BOOT/x", "\\boot\\x", "boot/x", "/boot/..\\x"])
def test_what_does_not_surely_fit_is_not_allowed(name: str) -> None:
    options = {"rules": [{"action": "allow", "files": "/boot/*"}, {"action": "deny"}]}
    assert judged(options, name=name)


@pytest.mark.parametrize("name", ["/x/../secret/y", "/SECRET/y", "\\secret\\y", "//secret/./y"])
def test_what_may_fit_is_denied(name: str) -> None:
    assert judged({"rules": [{"action": "deny", "files": "/secret/*"}]}, name=name)


def test_by_client_and_server() -> None:
    options = {
        "rules": [{"action": "deny", "clients": "192.168.10.0/24", "servers": "198.51.100.9"}]
    }
    assert judged(options)
    assert judged(options, client=Endpoint(SERVER.address, 5000)) is None
    assert judged(options, server=Endpoint(CLIENT.address, 69)) is None


def test_the_size_of_an_upload() -> None:
    options = {"upload_limit": 1000}
    assert judged(options, "tsize", "1000", write=True) is None
    for fields in (("tsize", "1001"), ()):
        wrong = judged(options, *fields, write=True)
        assert wrong is not None and (wrong.code, wrong.error) == ("tftp.size", ErrorCode.DISK_FULL)
    assert judged(options, "tsize", "0") is None  # it reads: the server says how much
    allowed = {"rules": [{"action": "allow"}], **options}
    assert judged(allowed, "tsize", "1001", write=True)


@pytest.mark.parametrize(
    "mistake",
    [
        {"rule": []},
        {"rules": [{"action": "drop"}]},
        {"rules": [{"action": "deny", "requests": "delete"}]},
        {"rules": [{"action": "deny", "clients": "192.168.10.1/24"}]},
        {"upload_limit": -1},
        {"transfers_per_host": 0},
    ],
)
def test_mistakes(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TftpOptions.model_validate(mistake)
