"""Each target for a second or so, always with the same inputs, and with all that was ever found."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.fuzz.mutation import mutate
from tests.fuzz.targets import TARGETS

FINDINGS = Path(__file__).parent / "findings"
INPUTS = {"configuration": 60, "frames": 10_000, "fragments": 4000, "rest": 4000, "tftp": 1500}
USUALLY = 400
"""Inputs of a target."""
FOUND = sorted(FINDINGS.glob("*/*"))


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_made_from_real_ones(name: str) -> None:
    target, random = TARGETS[name], Random(name)
    seeds = target.seeds()
    for _ in range(INPUTS.get(name, USUALLY)):
        data = mutate(random, random.choice(seeds), seeds, random.choice((0, 1, 1, 2, 4, 8)))
        try:
            target.run(data)
        except BaseException as error:
            error.add_note(f"python -m tests.fuzz.again {name} {data.hex()}")
            raise


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found(path: Path) -> None:
    TARGETS[path.parent.name].run(path.read_bytes())


@pytest.mark.parametrize(
    "name", [name for name, target in TARGETS.items() if hasattr(target, "spec")]
)
def test_seeds_get_somewhere(name: str) -> None:
    """The harness would prove nothing if the engine refused everything."""
    target = TARGETS[name]
    happened = (set(target.run(seed)) for seed in target.seeds())
    assert any({"pinhole.opened", "listener.opened"} & codes for codes in happened)
