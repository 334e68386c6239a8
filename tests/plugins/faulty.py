"""A protocol that fails in every way that a client asks for, by the line."""

import re
import sys
import time

from pydantic import BaseModel

from ryu_alg.inspection import (
    Direction,
    Forward,
    Inject,
    Party,
    ProtocolSpec,
    Refusal,
    Replace,
    StreamInspector,
)


class Options(BaseModel):
    """None."""


class Faulty(StreamInspector):
    """Lines: those that it knows do something, others pass."""

    def __init__(self, options, gateway):
        self.gateway = gateway
        self.due = None

    def inspect(self, direction, data):
        end = data.find(b"\n") + 1
        if not end:
            return []
        return getattr(self, data[: end - 1].decode("ascii"), self.passes)(end)

    def end(self, direction, data):
        return []

    def next_timeout(self):
        return self.due

    def wake(self):
        self.due = None
        while True:
            pass

    def passes(self, end):
        return [Forward(end)]

    def raises(self, end):
        raise ValueError("PASS hunter2")

    def exits(self, end):
        sys.exit("goodbye")

    def hangs(self, end):
        while True:
            try:
                self.raises(end)
            except Exception:
                continue

    def backtracks(self, end):
        return re.match(r"(a*)*b", "a" * 64)

    def sleeps(self, end):
        time.sleep(3600)
        return [Forward(end)]

    def sleeps_later(self, end):
        self.due = self.gateway.now
        return [Forward(end)]

    def answers_nonsense(self, end):
        return [Replace(end, "text")]

    def wants_a_privileged_port(self, end):
        refusal = self.gateway.expect(listener=Party.CLIENT, port=22)
        assert isinstance(refusal, Refusal)
        return [Replace(end, b""), Inject(Direction.TO_CLIENT, refusal.code.encode() + b"\n")]


PROTOCOL = ProtocolSpec("faulty", "Fails", (7200,), Options, stream=Faulty)
