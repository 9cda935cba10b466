"""Names of lock files: safe on every system, and different for different stages.

They differ also where capitals do not count: a letter that is not safe is written as "%" and its
code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, unquote

__all__ = ["name_of", "stage_of"]

_LONGEST = 180
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.@=+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@lru_cache(maxsize=10_000)  # a run asks for it several times
def name_of(stage: str) -> str:
    """Return the name of a file for a stage, without its ending.

    Examples
    --------
    >>> name_of("train@bert_swe"), name_of("a/b"), name_of("Fit"), name_of("con")
    ('train@bert_swe', 'a%2Fb', '%46it', '%63on')
    """
    name = "".join(letter if letter in _SAFE else _escaped(letter) for letter in stage)
    if name.startswith(".") or _RESERVED.fullmatch(name):
        name = f"{_escaped(name[0])}{name[1:]}"
    if len(name) > _LONGEST:  # the lock itself says the stage
        name = f"~{sha256(stage.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return name


def stage_of(name: str) -> str | None:
    """Return the stage that a name is of; None if that is only in the lock."""
    return None if name.startswith("~") else unquote(name, errors="surrogatepass")


def _escaped(letter: str) -> str:
    quoted = quote(letter, safe="", errors="surrogatepass")
    return f"%{ord(letter):02X}" if quoted == letter else quoted
