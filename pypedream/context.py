"""Everything that a run knows, as context variables that exist for that run only.

Outside a run each of them holds its default, so reading one never fails. A run sets them in a
copy of the caller's context and every attempt gets a copy of that: two runs, nested, in threads
or as tasks, never meet, and there is nothing to put back afterwards.
"""

from __future__ import annotations

from contextvars import Context, ContextVar, copy_context
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.protocols import EventLogLike

__all__ = [
    "LOG",
    "PARAMETERS",
    "PIPELINE",
    "RUN",
    "STAGE",
    "STAGES",
    "VARIABLES",
    "Attempt",
    "copy",
    "progress",
    "wrap",
]

P = ParamSpec("P")
R = TypeVar("R")

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@define(eq=False, repr=False, weakref_slot=False)
class Attempt:
    """One call of a stage's function within a run; it lives as long as that call.

    Attributes
    ----------
    log
        The event log of the run.
    stage
        Key of the stage.
    number
        1 for the first attempt, 2 for the first retry, 0 for a stage that is passed over.
    item
        Key of the item when the stage is mapped, otherwise None.
    data
        The logged inputs: they are part of every event of this attempt.
    output
        What the stage printed and did not yet end with a newline. None until it first prints.
    """

    log: EventLogLike
    stage: str
    number: int = 1
    item: int | str | None = field(default=None, init=False)
    data: dict[str, Any] | None = field(default=None, init=False)
    output: Any = field(default=None, init=False)

    def __repr__(self) -> str:
        return f"<attempt {self.number} of stage {self.stage!r}>"


PIPELINE: ContextVar[Any] = ContextVar("pypedream.PIPELINE", default=None)
PARAMETERS: ContextVar[Any] = ContextVar("pypedream.PARAMETERS", default=_NOTHING)
VARIABLES: ContextVar[Any] = ContextVar("pypedream.VARIABLES", default=_NOTHING)
STAGES: ContextVar[Any] = ContextVar("pypedream.STAGES", default=_NOTHING)
STAGE: ContextVar[Attempt | None] = ContextVar("pypedream.STAGE", default=None)
RUN: ContextVar[Any] = ContextVar("pypedream.RUN", default=None)
LOG: ContextVar[Any] = ContextVar("pypedream.LOG", default=None)
SECRETS: ContextVar[tuple[str, ...]] = ContextVar("pypedream.SECRETS", default=())
"""The texts that the run keeps secret, and those of the runs around it. No stage asks for them:
what keeps or shows something does, in whatever process it is."""


def scope(**values: Any) -> Context:
    """Return a copy of the current context in which the named variables are set.

    Parameters
    ----------
    values
        Names of this module's variables, each with its value: ``RUN=run``.
    """
    context = copy_context()
    for name, value in values.items():
        context.run(globals()[name].set, value)
    return context


def progress(done: float, total: float | None = None, text: str = "") -> None:
    """Say how far the running stage is; outside a run this does nothing.

    Parameters
    ----------
    done
        How much is done, in any unit.
    total
        How much there is in that unit; None when it is not known.
    text
        A few words to show beside the bar.
    """
    attempt = STAGE.get()
    if attempt is not None:
        data = {"done": done, "total": total}
        attempt.log.add("progress", text or None, attempt=attempt, data=data)


def copy() -> Context:
    """Return a copy of the current context, to run something else under it."""
    return copy_context()


def wrap(function: Callable[P, R]) -> Callable[P, R]:
    """Return *function* so that it always runs under the context of this moment.

    Use it for callbacks that a library calls from its own threads: what they print then belongs
    to the stage that made them. Several threads may call the result at the same time.
    """
    context = copy_context()

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return wrapped
