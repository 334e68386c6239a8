"""Attacks by way of TFTP: who answers, and where to."""

from __future__ import annotations

import pytest

from tests.protocols.tftp.site import request
from tests.security.site import CLIENT, PUBLIC, SERVER, STRANGER, Left, Site, at

CLIENT_AT = at(CLIENT, 4000)
ASKED = at(SERVER, 69)
DATA = b"\0\3\0\1" + b"x" * 512


def fetch(site: Site, source: object = CLIENT_AT) -> list[Left]:
    """An RRQ."""
    return site.send(source, ASKED, request(), "tftp")  # type: ignore[arg-type]


def works(site: Site, port: int = 4001) -> None:
    """A transfer that opens as it should: for the server that was asked."""
    before = len(site.media)
    ((source, target, payload),) = fetch(site, at(CLIENT, port))
    assert (str(source.address), target, payload) == (PUBLIC, ASKED, request())
    assert len(site.media) == before + 1


def test_answers_from_a_third_host() -> None:
    """Whoever answers is the server that was asked, whatever port it answers from; what else
    comes to the public port goes nowhere (in the switch: tests/e2e/test_tftp.py)."""
    site = Site()
    ((source, _, _),) = fetch(site)
    (paths,) = site.media.values()
    assert [str(path.remote.address) for path in paths] == [SERVER]
    assert [path.inside for path in paths] == [CLIENT_AT]
    assert [path.public for path in paths] == [source]
    assert site.send(at(STRANGER, 7000), source, DATA, "tftp") == []
    assert site.send(at(STRANGER, 69), source, DATA, "tftp") == []
    assert len(site.media) == 1
    works(site)


def test_a_third_host_asks_in_the_clients_name() -> None:
    """A request from outside for an inside host that is no server reaches nobody."""
    site = Site()
    ((source, _, _),) = fetch(site)
    for target in (source, at(PUBLIC, 69)):
        assert site.send(at(STRANGER, 7000), target, request(), "tftp") == []
    assert len(site.opened) == 1


@pytest.mark.parametrize("port", [22, 69, 1023, 3306, 5432])
def test_ports_of_services(port: int) -> None:
    """A forged request in the name of an inside service, which is to be opened to a server."""
    site = Site()
    left = fetch(site, at(CLIENT, port))
    assert [target for _, target, _ in left] in ([at(CLIENT, port)], [])
    assert site.shut
    works(site)


def test_one_hundred_requests_and_no_transfer() -> None:
    """Requests without data are bounded, and their ports come back."""
    site = Site()
    for port in range(5000, 5300):
        if port not in (5060, 5061):
            fetch(site, at(CLIENT, port))
    assert len(site.media) == 100
    assert site.saw("tftp.quota")
    site.sleep(300)
    assert len(site.engine.tables.bindings.live) <= 100
