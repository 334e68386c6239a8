"""UDP sessions: who may send to whom, as what, and when it is over."""

from __future__ import annotations

from random import Random

from ryu_alg.engine.engine import Engine
from tests.engine.toy_datagrams import (
    PHONE,
    PROXY,
    PUBLIC,
    Network,
    at,
    config,
)


def network(**changes: object) -> Network:
    return Network(Engine(config(**changes), random=Random(7)))


def test_smoke() -> None:
    lan = network()
    public = lan.register()
    assert public.address == PUBLIC
    assert lan.send(at(PROXY), public, b"HI").left == [(at(PROXY), at(PHONE), b"HI")]
    print(lan.send(at(PHONE), at(PROXY), b"BIND 4000 4001").left)
    print(lan.send(at(PROXY), public, b"ADMIT 198.51.100.9:3000 198.51.100.9:3001").commands)
    print(lan.confirm().commands)
