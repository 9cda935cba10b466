"""``input()`` in a stage: nothing is drawn over the question while somebody types.

On a terminal ``input`` writes the question itself, past every stream of Python. All that a run
can do is to clear the line that it keeps there, and to leave it off until the answer is used.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from pypedream.log.output import captured
from pypedream.log.patch import Patch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["INPUT", "make_way"]


def make_way() -> None:
    """Show all that the present stage said, and clear the line that its run keeps below."""
    attempt = captured()
    if attempt is not None:
        attempt.log.make_way()


def _with_way_made(original: Callable[..., str]) -> Callable[..., str]:
    @wraps(original)
    def ask(prompt: object = "", /) -> str:
        make_way()
        return original(prompt)

    return ask


def _module() -> ModuleType:
    import builtins

    return builtins


INPUT = Patch(_module, "input", _with_way_made)
