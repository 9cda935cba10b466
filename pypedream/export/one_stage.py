"""One stage of a pipeline, called as a run calls it, with what others gave handed in.

Whoever carries out a pipeline task by task calls this in each task. Arguments are bound, mappers
and conditions called, prints heard and results named by the same engine as in a run of the whole;
what is left to the host is what it does itself: to repeat a stage, and to stop it in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import Factory, evolve, frozen

from pypedream.engine.carry_out import Launch
from pypedream.engine.failure import failure_lines
from pypedream.engine.host import NOBODY, Host
from pypedream.engine.plan import blueprint
from pypedream.engine.request import plan_for, request_of
from pypedream.errors import HandOverError
from pypedream.log.ended import add_note
from pypedream.log.redaction import Redactor
from pypedream.places import users_traceback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pypedream.engine.plan import Blueprint
    from pypedream.engine.run import Run
    from pypedream.engine.wiring import Wire
    from pypedream.pipeline import Pipeline
    from pypedream.stage import Stage


@frozen
class Called:
    """What became of the stages that were called.

    Attributes
    ----------
    values
        From each stage that was called to what it gave: a value that can be had more than once.
    skipped
        From each stage that was passed over to why.
    exited
        Why a stage ended the run early; "" if none did.
    """

    values: dict[str, Any] = Factory(dict)
    skipped: dict[str, str] = Factory(dict)
    exited: str = ""


@frozen
class Calling:
    """How stages of one pipeline are called.

    Attributes
    ----------
    pipeline
        The pipeline.
    parameters
        Values by name; the others have their defaults.
    given
        From stage to what it gave; stages that were skipped are not among them.
    host
        What is said of the run that the call is part of.
    sinks
        Where events go, besides those that the pipeline has.
    repeats
        Whether the engine repeats what failed and minds the time, as the stages say.
    """

    pipeline: Pipeline
    parameters: Mapping[str, Any] = Factory(dict)
    given: Mapping[str, Any] = Factory(dict)
    host: Host = NOBODY
    sinks: tuple[Any, ...] = ()
    repeats: bool = False

    def call(self, *stages: str) -> Called:
        """Call stages that other tasks do not call, in order.

        Raises
        ------
        PlanError
            If the pipeline has mistakes, or a parameter does.
        Exception
            What a stage raised, with notes that say which and what it was called with.
        """
        base = self.pipeline.blueprint
        if not self.repeats:
            base = _once(base, stages)
        skipped = self._known_to_skip(base, stages)
        chosen = [key for key in stages if key not in skipped]
        if not chosen:
            return Called(skipped=skipped)
        run = self._run(base, chosen)
        error = run.error
        if error is not None:
            raise _explained(run, error)
        values = {key: _lasting(base, key, run[key]) for key in chosen if key in run.outputs}
        skipped |= {
            key: run.stages[key].reason for key in chosen if run.stages[key].state == "skipped"
        }
        return Called(values, skipped, _exit(run, chosen, values, skipped))

    def _run(self, base: Blueprint, chosen: list[str]) -> Run:
        own = self.pipeline.options
        request = {
            "only": chosen,
            "given": {key: value for key, value in self.given.items() if key not in chosen},
            "sinks": (*self.sinks, *own.get("sinks", ())),
            "workspace": None,
            "checkpoint": False,
            "cache": "off",
            "keep": "all",
            "progress": False,
        }
        # The host says what the run is given: a worker's environment is the same for all of them.
        start = base.definition.parameters
        plan = plan_for(request_of(self.parameters, request), base, own, parameters=start)
        return Launch(plan, self.pipeline, host=self.host).carry_out()

    def _known_to_skip(self, base: Blueprint, stages: Iterable[str]) -> dict[str, str]:
        """Return the stages that need what was skipped, each with the reason."""
        skipped: dict[str, str] = {}
        there = {*self.given}
        for key in (key for key in base.order if key in stages):
            missing = _missing(base.wiring.wires[key], there)
            if missing:
                skipped[key] = f'needs "{missing}", which is skipped'
            else:
                there.add(key)
        return skipped


def _missing(wired: Wire, there: set[str]) -> str:
    """Return a stage without whose result this one is not called, and that gave none."""
    for link in (*wired.links, *wired.condition):
        if link.kind == "stage" and link.is_required and link.name not in there:
            return link.name
    return ""


def _once(base: Blueprint, stages: Iterable[str]) -> Blueprint:
    """Return the same with stages that are neither repeated nor stopped in time."""
    changed: dict[str, Stage] = {}
    for key in stages:
        stage = base.definition.stages[key]
        policy = evolve(stage.policy, retries=0, timeout_s=None)
        if policy != stage.policy:
            changed[key] = stage.with_policy(policy)
    if not changed:
        return base
    return blueprint(evolve(base.definition, stages={**base.definition.stages, **changed}))


def _lasting(base: Blueprint, key: str, value: Any) -> Any:
    """Return a result so that it can be had more than once.

    Raises
    ------
    HandOverError
        If it is an iterator, and a stage reads it that is not called for its items.
    """
    if not isinstance(value, Iterator) or hasattr(value, "read"):
        return value
    for reader in base.children.get(key, ()):
        wired = base.wiring.wires[reader]
        mapped = () if wired.over is None else wired.over.names
        for link in wired.links:
            if link.kind == "stage" and link.name == key and link.argument not in mapped:
                raise HandOverError(
                    f'stage "{key}" gives an iterator, which stage "{reader}" cannot get from'
                    " another task: return a list"
                )
    return list(value)


def _exit(
    run: Run, chosen: Iterable[str], values: Mapping[str, Any], skipped: Mapping[str, str]
) -> str:
    """Return why a stage ended the run early; "" if none did."""
    for key in chosen:
        if key not in values and key not in skipped and run.stages[key].state == "ok":
            return run.stages[key].reason or f'stage "{key}" ended the run'
    return ""


def _explained(run: Run, error: BaseException) -> BaseException:
    """Return what a stage raised, without our frames, and with notes that say which it was."""
    if run.failures:
        hide = Redactor(run.parameters.secrets()).text
        add_note(error, hide("\n".join(failure_lines(run.failures[0]))))
    return error.with_traceback(users_traceback(error.__traceback__))
