"""One target for long, led by coverage: `python -m tests.fuzz.long TARGET INPUTS` (atheris). What
stands behind is libFuzzer's: `-max_total_time=60`.

Inputs that reach something new are kept in .fuzz/TARGET, and the next run begins with them; what
fails is kept in tests/fuzz/findings/TARGET, which `test_targets` runs again.
"""

from __future__ import annotations

import gc
import hashlib
import sys
from pathlib import Path
from random import Random

import atheris

from tests.fuzz.mutation import LONGEST, mutate, shortened

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / ".fuzz"
SLOWEST, LARGEST = 10, 512
"""Seconds of an input, and MiB of the process."""
SHORTENED = 0.7
"""Of the inputs that others are made from."""

EDITOR = [f"ryu_alg.engine.{name}" for name in ("editor", "half_stream", "sequence_map")]
"""Is its own target: elsewhere its many turns would only take time, and say little."""

with atheris.instrument_imports(
    include=["ryu_alg"],
    exclude=[] if "editor" in sys.argv[1:2] else EDITOR,
    enable_loader_override=False,
):
    from tests.fuzz.targets import TARGETS


def main(name: str, inputs: int, *more: str) -> None:
    """Ends the process: with status 0 if nothing was found."""
    target = TARGETS[name]
    kept, findings = KEPT / name, HERE / "findings" / name
    for folder in (kept, findings):
        folder.mkdir(parents=True, exist_ok=True)
    seeds = target.seeds()
    for seed in seeds:
        (kept / hashlib.sha1(seed).hexdigest()).write_bytes(seed)

    def changed(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < SHORTENED:
            data = shortened(random, data)
        if random.random() < 0.4:
            return bytes(atheris.Mutate(data, max_size))
        return mutate(random, data, seeds, random.choice((1, 1, 2, 4)))[:max_size]

    def run(data: bytes) -> None:
        target.run(data)

    arguments = [
        *(sys.argv[0], f"-runs={inputs}", f"-max_len={LONGEST}", f"-timeout={SLOWEST}"),
        *(f"-rss_limit_mb={LARGEST}", f"-artifact_prefix={findings}/", "-print_final_stats=1"),
        *("-len_control=0", *more, str(kept)),
    ]
    gc.freeze()  # what is here for good need not be looked through for each input's garbage
    atheris.Setup(arguments, run, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
