"""Somebody who uses the gateway while it is flooded.

A process of its own on the user's host:
`python -E -m tests.bench.floods.users KIND PARAMETERS`, the parameters as a JSON object.
Transactions begin at a fixed rate, one after the other; those after a slow one follow at once.
Prints one JSON object: the seconds that each transaction took that worked, and why others did not.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from tests.bench.load import Control, FtpError, LoadError
from tests.bench.phone import Phone, SipError


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of transactions."""

    durations: list[float] = field(default_factory=list)
    """Of those that worked, in seconds."""
    failures: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        return len(self.durations) + len(self.failures)


def use(transaction: Callable[[], object], rate: float, seconds: float) -> Outcome:
    """As many as belong into `seconds` at `rate` a second; later where they take longer."""
    outcome = Outcome()
    begin = time.monotonic()
    for number in range(max(1, round(rate * seconds))):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        if time.monotonic() > begin + seconds and number:
            break
        before = time.perf_counter()
        try:
            transaction()
        except (LoadError, SipError, OSError) as error:
            outcome.failures.append(str(error) or type(error).__name__)
        else:
            outcome.durations.append(time.perf_counter() - before)
    return outcome


def ftp(address: str, port: int, file: str, rate: float, seconds: float) -> Outcome:
    """Log in, fetch a small file in passive mode, quit."""

    def transaction() -> None:
        control = Control(address, port)
        if not control.retrieve(file, active=False):
            raise FtpError(f"{file} came without content")
        control.quit()

    return use(transaction, rate, seconds)


def sip(address: str, rate: float, seconds: float) -> Outcome:
    """A call of a telephone that has registered: INVITE, 200, ACK, BYE, 200."""
    phone = Phone(address)
    # What a flood loses of this is as much a failure as that of a call.
    registered = use(phone.register, 1.0, 1.0)
    calls = use(lambda: phone.call(media=False), rate, seconds)
    return Outcome(calls.durations, registered.failures + calls.failures)


def main(kind: str, parameters: str) -> None:
    """Run one user."""
    users: dict[str, Callable[..., Outcome]] = {"ftp": ftp, "sip": sip}
    print(json.dumps(asdict(users[kind](**json.loads(parameters)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
