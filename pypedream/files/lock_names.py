"""Names of lock files: safe on every system, and different for different stages.

They differ also where capitals do not count: a letter that is not safe is written as "%" and its
code.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

__all__ = ["name_of", "stage_of"]

_LONGEST = 180
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.@=+")
_PORTS = [f"{port}{number}" for port in ("com", "lpt") for number in range(10)]
_RESERVED = frozenset(("con", "prn", "aux", "nul", *_PORTS))
"""What Windows takes for a device, whatever follows after a dot."""


@lru_cache(maxsize=10_000)  # a run asks for it several times
def name_of(stage: str) -> str:
    """Return the name of a file for a stage, without its ending.

    Examples
    --------
    >>> name_of("train@bert_swe"), name_of("a/b"), name_of("Fit"), name_of("con")
    ('train@bert_swe', 'a%2Fb', '%46it', '%63on')
    """
    name = "".join(letter if letter in _SAFE else _escaped(letter) for letter in stage)
    if name.startswith(".") or name.partition(".")[0] in _RESERVED:
        name = f"{_escaped(name[0])}{name[1:]}"
    if len(name) > _LONGEST:  # the lock itself says the stage
        name = f"~{sha256(stage.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return name


def stage_of(name: str) -> str | None:
    """Return the stage that a name is of; None if that is only in the lock."""
    if name.startswith("~"):
        return None
    from urllib.parse import unquote  # to name a lock needs none of it

    return unquote(name, errors="surrogatepass")


def _escaped(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))
