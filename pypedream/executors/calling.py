"""The calls of one function, one after the other, each with a context and an attempt of its own.

This is all that an item of a mapped stage costs, in whatever process it is made; so the loop is
written out in one piece, with what does not change outside of it.
"""

from __future__ import annotations

from array import array
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

from attrs import Factory, define

from pypedream import context
from pypedream.context import Attempt
from pypedream.executors.columns import given_to
from pypedream.log.streams import STREAMS
from pypedream.stage import GENERATOR, arguments_of, code_flags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextvars import Context

    from pypedream.protocols import EventLogLike

__all__ = ["Calling", "Made", "call_item", "call_of"]


class Watch(Protocol):
    """Looks on as calls are made in a process that may be killed, or whose output is not ours.

    It has no methods for the beginning and the end of a call: to call one would cost as much as a
    small item.

    Attributes
    ----------
    at
        Its first place is the number of the call that is being made, from 1 on.
    attempt
        The attempt whose everything is that is written now.
    next_ns
        From when on it wants to look again when a call ends.
    """

    at: Any
    attempt: Attempt | None
    next_ns: int

    def settle(self) -> None:
        """Look for all that the call wrote."""


@define(eq=False)
class Made:
    """What became of calls that were made one after the other.

    Attributes
    ----------
    values
        What they returned, up to the first that raised.
    started_ns, ended_ns
        When the first one began and when each ended, by the clock of the log.
    error
        What the next one raised; None when it was not made, or all went well.
    is_lost
        Whether the values are lost, as the process that made them was ended, or as something in
        them, or in what is to be sent there, cannot travel.
    lost_at
        Which call it was at then, if that is known.
    reused
        How many of the values were not called for: they were kept.
    worker
        Who made them; "" for the thread of the run itself.
    """

    started_ns: int = 0
    values: list[Any] = Factory(list)
    ended_ns: array[int] = Factory(lambda: array("q"))
    error: BaseException | None = None
    is_lost: bool = False
    lost_at: int | None = None
    reused: int = 0
    worker: str = ""


@define(eq=False)
class Calling:
    """Makes the calls of one function for one stage.

    Attributes
    ----------
    call
        Makes one call with what it alone is given, see `call_of`.
    base
        The context that each call gets a copy of.
    data
        Logged inputs: part of every event.
    first_output
        The output that each attempt begins with; see `pypedream.log.output`.
    held
        True when no further call is to be made, at least for now; others may change it.
    most_ns
        After so long the rest of several calls is left to others; None if none is ever left.
        Where somebody looks on none is.
    watch
        Looks on; None where nobody does.
    """

    call: Callable[[Any], Any]
    log: EventLogLike
    stage: str
    base: Context
    held: object = ()
    data: dict[str, Any] | None = None
    first_output: Any = None
    watch: Watch | None = None
    most_ns: int | None = None

    def make(self, keys: Sequence[Any], calls: Sequence[tuple[Any, ...]], number: int = 1) -> Made:
        """Make the calls until one raises, they are held or they take too long.

        Parameters
        ----------
        keys
            What each call is known by in the log; None for a call that is the stage's only one.
        calls
            The values that each call alone has.
        number
            Which attempt it is.
        """
        made, now = Made(), perf_counter_ns
        watch = self.watch
        at: Any = [0] if watch is None else watch.at
        ended: list[int] = []  # an array takes three times as long to append to
        value, end_at = made.values.append, ended.append
        held, call, copy = self.held, self.call, self.base.copy
        log, stage, data, first_output = self.log, self.stage, self.data, self.first_output
        STREAMS.ensure()
        made.started_ns = end = now()
        until = _NEVER_NS if self.most_ns is None else end + self.most_ns
        if watch is not None:
            until = watch.next_ns
        numbers = range(1, len(keys) + 1)
        for at[0], key, given in zip(numbers, keys, given_to(calls), strict=True):
            if held:
                break
            attempt = _bare(Attempt)
            attempt.log, attempt.stage, attempt.number = log, stage, number
            attempt.item, attempt.data, attempt.output = key, data, first_output
            if watch is not None:
                watch.attempt = attempt
            try:
                value(copy().run(call_item, attempt, call, given))
            except BaseException as error:  # noqa: BLE001 - whoever asked for the calls decides
                made.error = error
                if attempt.output is not None:
                    attempt.output.close()
                break
            if attempt.output is not None:
                attempt.output.close()
            end = now()
            end_at(end)
            if end >= until:
                if watch is None:
                    break
                watch.settle()
                until = watch.next_ns
        made.ended_ns = array("q", ended)
        return made


_NEVER_NS = 1 << 63
_enter = context.STAGE.set
_bare = Attempt.__new__


def call_item(attempt: Attempt, call: Callable[[Any], Any], given: Any) -> Any:
    """Make one call within its attempt: all under this is the user's code."""
    _enter(attempt)
    return call(given)


def call_of(
    function: Callable[..., Any], names: Sequence[str], common: Mapping[str, Any]
) -> Callable[[Any], Any]:
    """Return what calls *function* with what is given to one call, as `given_to` says it.

    Parameters
    ----------
    names
        The arguments that each call brings itself, in the order of its values. Of one the value is
        given, of several a tuple.
    common
        The arguments that are the same for all.
    """
    if code_flags(function) & GENERATOR:
        call = _call_of(function, names, common)
        return lambda given: list(call(given))
    return _call_of(function, names, common)


def _call_of(
    function: Callable[..., Any], names: Sequence[str], common: Mapping[str, Any]
) -> Callable[[Any], Any]:
    arguments = arguments_of(function)
    is_single = len(names) == 1
    is_leading = arguments.in_order and [*arguments.names][: len(names)] == [*names]
    if is_leading and not common:
        return function if is_single else lambda given: function(*given)
    if is_leading and not arguments.positional:
        if is_single:
            return lambda given: function(given, **common)
        return lambda given: function(*given, **common)

    def call(given: Any) -> Any:
        values = (given,) if is_single else given
        first, rest = arguments.split({**common, **dict(zip(names, values, strict=True))})
        return function(*first, **rest)

    return call
