"""Make the calls of a job where we are: in a worker process, or where a cluster put us."""

from __future__ import annotations

import os
from array import array
from contextvars import Context
from functools import cache
from time import perf_counter_ns
from types import FunctionType
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, field

from pypedream import context
from pypedream.context import Attempt
from pypedream.executors.jobs import Reply
from pypedream.executors.mishaps import Mishap
from pypedream.executors.remote_log import RemoteLog
from pypedream.log.capture import capturing
from pypedream.log.output import PASS_THROUGH
from pypedream.log.streams import STREAMS
from pypedream.parameters.variables import RunVariables
from pypedream.parameters.watched import Watched
from pypedream.stage import GENERATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pypedream.executors.jobs import Job, Kit, Row

__all__ = ["Bench", "perform"]

_CONTAINERS = (list, dict, set)


class Watch(Protocol):
    """Looks on as calls are made."""

    def begin(self, attempt: Attempt, index: int, /) -> None:
        """Take note that a call begins."""

    def end(self, now_ns: int, /) -> None:
        """Take note that it has ended."""


def perform(job: Job, *, tell: Callable[[list[Row]], object] | None = None) -> Reply:
    """Make the calls of *job*, with what they print and log captured.

    Parameters
    ----------
    tell
        Takes rows of the log as they come; without it they are in the reply.
    """
    kit: Kit = job.packed.value()
    log = RemoteLog(kit.run, tell)
    try:
        with capturing(kit.capture):
            reply = Bench(kit, log).make_calls(job.keys, job.calls)
    finally:
        log.close()
    reply.rows = log.left()
    return reply


@define(eq=False)
class Bench:
    """A kit that was unpacked, and what its calls have in common.

    Attributes
    ----------
    kit, log
        The kit, and the log for all its calls.
    """

    kit: Kit
    log: RemoteLog
    _call: Callable[[tuple[Any, ...]], Any] = field(init=False)
    _is_unstated: bool = False

    def __attrs_post_init__(self) -> None:
        self._call = _caller(self.kit)

    def make_calls(
        self, keys: Sequence[Any], calls: Sequence[tuple[Any, ...]], watch: Watch | None = None
    ) -> Reply:
        """Make one call after the other, each in a context of its own, until one raises."""
        kit, log, call, now = self.kit, self.log, self._call, perf_counter_ns
        variables = RunVariables(kit.variables)
        before = dict(variables) if kit.variables else {}
        copy = self._base(variables).copy
        stage, number, data = kit.stage, kit.number, kit.data
        first_output = None if kit.capture else PASS_THROUGH
        STREAMS.ensure()
        values: list[Any] = []
        ended = array("q")
        mishap = None
        start = now()
        for index, (key, given) in enumerate(zip(keys, calls, strict=True)):
            attempt = _bare(Attempt)
            attempt.log, attempt.stage, attempt.number = log, stage, number
            attempt.item, attempt.data, attempt.output = key, data, first_output
            if watch is not None:
                watch.begin(attempt, index)
            try:
                values.append(copy().run(_enter_and_call, attempt, call, given))
            except BaseException as error:  # noqa: BLE001 - the engine decides what becomes of it
                mishap = Mishap.of(error)
            if attempt.output is not None:
                attempt.output.close()
            end = now()
            ended.append(end)
            if watch is not None:
                watch.end(end)
            if mishap is not None:
                break
        return Reply(
            values=values,
            started_ns=start,
            ended_ns=ended,
            error=mishap,
            variables=_assigned(kit.variables, before, variables) if before else {},
            pid=os.getpid(),
            host=_host(),
            of=f'stage "{kit.stage}"',
            is_unstated=self._is_unstated,
        )

    def _base(self, variables: RunVariables) -> Context:
        base = Context()
        base.run(context.PARAMETERS.set, Watched(self.kit.parameters, self._note))
        base.run(context.VARIABLES.set, Watched(variables, self._note))
        base.run(context.LOG.set, self.log)
        return base

    def _note(self, _stage: str) -> None:
        self._is_unstated = True


_enter = context.STAGE.set
_bare = Attempt.__new__  # without its fields: calling `__init__` costs as much as many a function


def _enter_and_call(
    attempt: Attempt, call: Callable[[tuple[Any, ...]], Any], given: tuple[Any, ...]
) -> Any:
    _enter(attempt)
    return call(given)


def _caller(kit: Kit) -> Callable[[tuple[Any, ...]], Any]:
    """Return what makes one call out of the values that it brings."""
    function, common, names, positional = kit.function, kit.common, kit.names, kit.positional

    def by_name(given: tuple[Any, ...]) -> Any:
        return function(**common, **dict(zip(names, given, strict=True)))

    def by_position(given: tuple[Any, ...]) -> Any:
        arguments = {**common, **dict(zip(names, given, strict=True))}
        first = [arguments.pop(name) for name in positional if name in arguments]
        return function(*first, **arguments)

    def in_order(given: tuple[Any, ...]) -> Any:
        return function(*given, **common)

    call = by_position if positional else by_name
    if _takes_in_order(function, names):  # costs less
        call = in_order
    if kit.flags & GENERATOR:
        return lambda given: list(call(given))
    return call


def _takes_in_order(function: Any, names: tuple[str, ...]) -> bool:
    """Say whether *names* are the first arguments of *function*."""
    code = function.__code__ if isinstance(function, FunctionType) else None
    return code is not None and code.co_varnames[: min(len(names), code.co_argcount)] == names


def _assigned(initial: Any, before: dict[str, Any], variables: RunVariables) -> dict[str, Any]:
    """Return the variables that were set, or whose list, dict or set was changed in place."""
    return {
        name: value
        for name, value in variables.items()
        if value is not before[name]
        or (type(value) in _CONTAINERS and not _is_same(value, initial[name]))
    }


def _is_same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - arrays cannot say; then it counts as changed
        return False


@cache
def _host() -> str:
    uname = getattr(os, "uname", None)
    return os.environ.get("COMPUTERNAME", "") if uname is None else str(uname().nodename)
