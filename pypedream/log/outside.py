"""Foreign code that a log calls: sinks, streams and reprs, as if no stage was running."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pypedream.context import STAGE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["outside_stages"]

P = ParamSpec("P")
R = TypeVar("R")


def outside_stages(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call *call* outside of any stage: what it prints goes to the console.

    If it were the stage's it would be an event, be handed to the same sink, and so on for ever.
    """
    token = STAGE.set(None)
    try:
        return call(*args, **kwargs)
    finally:
        STAGE.reset(token)
