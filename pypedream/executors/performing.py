"""Make the calls of a job where we are: in a worker process, or where a cluster put us."""

from __future__ import annotations

import os
from contextvars import Context
from typing import TYPE_CHECKING, Any

from attrs import define, field

from pypedream import context
from pypedream.executors.calling import Calling, call_of
from pypedream.executors.jobs import Reply
from pypedream.executors.mishaps import Mishap
from pypedream.executors.packing import Packed
from pypedream.executors.remote_log import RemoteLog
from pypedream.executors.whereabouts import host_name
from pypedream.log.capture import capturing
from pypedream.log.output import PASS_THROUGH
from pypedream.parameters.variables import RunVariables
from pypedream.parameters.watched import Watched, WatchedLater

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pypedream.executors.calling import Watch
    from pypedream.executors.jobs import Job, Kit, Row

__all__ = ["Bench", "made", "perform"]

_CONTAINERS = (list, dict, set)


def perform(job: Job, *, tell: Callable[[list[Row]], object] | None = None) -> Reply:
    """Make the calls of *job*, with what they print and log captured.

    Parameters
    ----------
    tell
        Takes rows of the log as they come; without it they are in the reply.
    """
    kit: Kit = job.packed.value()
    return made(kit, RemoteLog(kit.run, tell), job.keys, job.calls)


def made(
    kit: Kit,
    log: RemoteLog,
    keys: Sequence[Any],
    calls: Sequence[tuple[Any, ...]],
    watch: Watch | None = None,
) -> Reply:
    """Make calls with what they print and log captured; rows that nobody took are in the reply."""
    try:
        with capturing(kit.capture):
            reply = Bench(kit, log).make_calls(keys, calls, watch)
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
    _parameters: Watched = field(init=False)
    _call: Callable[..., Any] = field(init=False)
    _variables: dict[str, str] = field(init=False)
    _is_unstated: bool = False

    def __attrs_post_init__(self) -> None:
        kit = self.kit
        if kit.is_shown:
            from pypedream.executors.shown import show_displays

            show_displays(kit.function)
        self._parameters = self._watched_parameters()
        self._call = call_of(kit.function, kit.names, kit.common)
        names = {id(value): name for name, value in kit.variables.items()}
        self._variables = {
            argument: names[id(value)]
            for argument, value in kit.common.items()
            if type(value) in _CONTAINERS and id(value) in names
        }

    def make_calls(
        self, keys: Sequence[Any], calls: Sequence[tuple[Any, ...]], watch: Watch | None = None
    ) -> Reply:
        """Make one call after the other, each in a context of its own, until one raises."""
        kit = self.kit
        variables = RunVariables(kit.variables)
        before = dict(variables) if kit.variables else {}
        calling = Calling(
            self._call_with(variables),
            self.log,
            kit.stage,
            self._base(variables),
            data=kit.data,
            first_output=None if kit.capture else PASS_THROUGH,
            watch=watch,
        )
        made = calling.make(keys, calls, kit.number)
        return Reply(
            values=made.values,
            started_ns=made.started_ns,
            ended_ns=made.ended_ns,
            error=None if made.error is None else Mishap.of(made.error),
            variables=_assigned(kit.variables, before, variables) if before else {},
            pid=os.getpid(),
            host=host_name(),
            of=kit.of,
            is_unstated=self._is_unstated,
        )

    def _call_with(self, variables: RunVariables) -> Callable[..., Any]:
        """Return what makes one call: an argument that is a variable is the one of this job."""
        if not self._variables:
            return self._call
        own = {argument: variables[name] for argument, name in self._variables.items()}
        return call_of(self.kit.function, self.kit.names, {**self.kit.common, **own})

    def _base(self, variables: RunVariables) -> Context:
        base = Context()
        base.run(context.PARAMETERS.set, self._parameters)
        base.run(context.VARIABLES.set, Watched(variables, self._note))
        base.run(context.LOG.set, self.log)
        base.run(context.SECRETS.set, tuple(self.kit.secrets))
        return base

    def _watched_parameters(self) -> Watched:
        """Return the parameters of the run; what is mapped over may be among them, and be large."""
        parameters = self.kit.parameters
        if isinstance(parameters, Packed):
            return WatchedLater(parameters.value, self._note)
        return Watched(parameters, self._note)

    def _note(self, _stage: str) -> None:
        self._is_unstated = True


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
