"""Names of files, users and the like, as others write them: compared with a policy's glob
patterns (`*`, `?`, `[a-z]`; `*` matches `/` as well), and shown.

Who is in doubt denies. So a rule that denies asks whether a name may fit: in upper and lower case,
in one of its spellings. A rule that allows asks whether it surely fits: exactly, in all of them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from fnmatch import fnmatchcase

SHOWN = 160
"""How much of a name is shown, in bytes."""


def path_spellings(path: bytes) -> tuple[str, ...]:
    """What a server may read in a path: as it is, and without //, /./, /../, with backslashes for
    slashes or not. A relative path stays relative: nobody here knows where it starts from."""
    text = path.decode("utf-8", "surrogateescape")
    return text, _straight(text), _straight(text.replace("\\", "/"))


def may_fit(patterns: Collection[str], spellings: Collection[str]) -> bool:
    """Whether one of the spellings fits one of the patterns, in upper or lower case."""
    folded = [pattern.casefold() for pattern in patterns]
    return any(fnmatchcase(text.casefold(), pattern) for text in spellings for pattern in folded)


def surely_fits(patterns: Collection[str], spellings: Collection[str]) -> bool:
    """Whether each of the spellings fits one of the patterns, exactly."""
    return all(any(fnmatchcase(text, pattern) for pattern in patterns) for text in spellings)


def printable(text: bytes) -> str:
    """`text` for people: as UTF-8, with what is not printable escaped."""
    return escaped(text[:SHOWN].decode("utf-8", "backslashreplace"))


def escaped(text: str) -> str:
    """`text` without anything that would steer a terminal: what is not printable is escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _straight(path: str) -> str:
    straight = re.sub("^//", "/", posixpath.normpath(path)) if path else path
    return straight + "/" if path.endswith("/") and straight != "/" else straight
