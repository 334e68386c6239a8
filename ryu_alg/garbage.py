"""When Python looks for garbage, in a process that runs Ryu.

What is not needed any more is freed at once, unless it is part of a cycle; those are searched for
every now and then, and all packets wait meanwhile: the longer, the more sessions there are. The
engine leaves no cycles, and libraries few.
"""

from __future__ import annotations

import gc

_NEW, _YOUNG, _OLD = 2000, 10, 100
"""Objects that are more by now, until those are looked at; how many times, until the ones that
were left are as well; and how many of these times, until all are."""


def settle() -> None:
    """What there is by now stays for good and is not looked at any more; all else is seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW, _YOUNG, _OLD)
