"""What all sessions of one gateway share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from ryu_alg.engine.barriers import Barriers
from ryu_alg.engine.bindings import Bindings
from ryu_alg.engine.config import EngineConfig
from ryu_alg.engine.data_marks import DataMarks
from ryu_alg.engine.expectations import Expectations
from ryu_alg.engine.half_open import HalfOpen
from ryu_alg.engine.listeners import Listeners
from ryu_alg.engine.pinhole_limits import PinholeLimits
from ryu_alg.engine.pinhole_table import Numbers, PinholeTable
from ryu_alg.engine.public_ports import PublicPorts
from ryu_alg.engine.session_quotas import SessionQuotas
from ryu_alg.engine.timers import Timers


@dataclass(slots=True)
class Tables:
    """One of each, and one sequence of ids for sessions of both transports and listening ports."""

    config: EngineConfig
    random: Random
    counters: Counter[str] = field(default_factory=Counter)
    barriers: Barriers = field(default_factory=Barriers)
    numbers: PinholeTable = field(default_factory=PinholeTable)
    session_ids: Numbers = field(default_factory=Numbers)
    timers: Timers = field(default_factory=Timers)
    """By id of a session or listening port."""
    marks: DataMarks = field(init=False)
    ports: PublicPorts = field(init=False)
    limits: PinholeLimits = field(init=False)
    quotas: SessionQuotas = field(init=False)
    half_open: HalfOpen = field(init=False)
    expectations: Expectations = field(init=False)
    bindings: Bindings = field(init=False)
    listeners: Listeners = field(init=False)

    def __post_init__(self) -> None:
        self.marks = DataMarks(self.random)
        self.ports = PublicPorts(self.config, self.random)
        self.limits = PinholeLimits(self.config)
        self.quotas = SessionQuotas(self.config)
        self.half_open = HalfOpen(self.config)
        self.expectations = Expectations(self.config, self.ports, self.limits, self.numbers)
        self.bindings = Bindings(self.config, self.ports, self.limits, self.marks, self.numbers)
        self.listeners = Listeners(
            self.config,
            self.ports,
            self.limits,
            self.marks,
            self.numbers,
            self.session_ids,
            self.timers,
        )

    def reconfigure(self, config: EngineConfig) -> None:
        """Use `config` for everything that is new."""
        self.config = config
        self.ports.config = config
        self.limits.config = config
        self.quotas.config = config
        self.half_open.config = config
        self.expectations.config = config
        self.bindings.config = config
        self.listeners.config = config
