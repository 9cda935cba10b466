"""The page of a run that is in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from pypedream.engine.failure import shown_error
from pypedream.engine.views import KeptOutputs
from pypedream.log.durations import duration_text
from pypedream.log.moments import local_time
from pypedream.log.redaction import HIDDEN, Redactor, is_secret_name
from pypedream.outputs import RETURN
from pypedream.pipeline import Pipeline
from pypedream.places import name_at_prompt
from pypedream.view.describing import describe
from pypedream.view.exhibits import exhibits_of
from pypedream.view.frames import frames_of
from pypedream.view.hearing import heard
from pypedream.view.inputs_shown import VALUE, input_rows, parameter_rows, policy_rows, where_of
from pypedream.view.page import NOTHING_SAID, Page, Row, Sample, Section, Trouble
from pypedream.view.samples import READ, WIDTH, Shower

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.engine.failure import Failure
    from pypedream.engine.planned import PlannedStage
    from pypedream.engine.run import Run, StageRun
    from pypedream.view.description import Description, Node
    from pypedream.view.hearing import Heard
    from pypedream.view.page import Frame

DONE = ("ok", "reused")
MOST_TROUBLES = 5
ERROR = 400  # letters of the text of an exception
_MOST_CAUSES = 3
USUAL = ("no earlier result is kept", 'cache="off"')
"""Reasons of a plan that go without saying once the stage was called."""


def page_of_run(run: Run) -> Page:
    """Return what there is to show of a run, also of one that still goes on."""
    found = heard(run.events)
    description = describe(run)
    shower = Shower(Redactor(run.parameters.secrets()).text)
    sight = _Sight(run, found, shower, run.plan.stages)
    stages = run.stages
    outputs = {key: stage.outputs for key, stage in stages.items() if _is_at_hand(stage)}
    failures = run.failures[:MOST_TROUBLES]
    return Page(
        description,
        state=run.state,
        facts=(
            *facts_of(description, run.duration_s, sight.heard.started, run.id),
            *_usual_executor(run),
        ),
        troubles=tuple(
            evolve(trouble_of(failure), hints=() if number else _hints(failure))
            for number, failure in enumerate(failures)
        ),
        untold=len(run.failures) - len(failures),
        parameters=tuple(parameter_rows(run.parameters, shower)),
        sections=tuple(
            sight.section(node, stages[node.key], outputs) for node in description.stages
        ),
        said=sight.heard.said.get("", NOTHING_SAID),
        notes=tuple(_notes(run)),
        span_s=sight.heard.last_s,
        spans=tuple(sight.heard.spans),
    )


def _usual_executor(run: Run) -> Iterator[str]:
    executor = run.plan.options.executor
    if executor not in (None, "serial"):
        yield executor_name(executor)


def by_whom(workers: Sequence[str]) -> Iterator[str]:
    """Yield who made the calls of a stage, if that was not the run itself."""
    if workers:
        yield f"by {workers[0]}" if len(workers) == 1 else f"by {len(workers)} workers"


def executor_name(executor: object) -> str:
    """Return what an executor is called."""
    return executor if isinstance(executor, str) else type(executor).__name__


def facts_of(
    description: Description, duration_s: float | None, started: str, run_id: str
) -> Iterator[str]:
    """Yield what the header says of a run beside its name and state."""
    stages = description.stages
    done = sum(node.state in DONE for node in stages)
    yield f"{done}/{len(stages)} stages"
    if duration_s:
        yield duration_text(duration_s)
    if started:
        yield local_time(started)
    yield f"run {run_id}"


def trouble_of(failure: Failure) -> Trouble:
    """Return what there is to show of a failure."""
    shower = Shower(failure.redactor.text)
    item = f"[{failure.item}]" if failure.item is not None else ""
    return Trouble(
        shower.cut(f"{failure.stage}{item}"),
        _said(failure.error, shower),
        failure.attempts,
        tuple(_without_secrets(frame, shower) for frame in frames_of(failure.traceback)),
        tuple(_inputs(failure, shower)),
        tuple(f"caused by {_said(cause, shower)}" for cause in _causes(failure.error)),
        _hints(failure),
    )


def _said(error: BaseException, shower: Shower) -> str:
    return shower.cut(shown_error(error, READ), ERROR)


def _without_secrets(frame: Frame, shower: Shower) -> Frame:
    return evolve(frame, lines=tuple((line, shower.hide(text)) for line, text in frame.lines))


def _inputs(failure: Failure, shower: Shower) -> Iterator[Row]:
    for name, one in failure.inputs.items():
        value = HIDDEN if is_secret_name(name) else shower.shown(one.value, VALUE)
        changed = "changed in place while the stage ran" if one.is_changed else ""
        yield Row(name, value, shower.cut(one.source), changed)


def _causes(error: BaseException) -> Iterator[BaseException]:
    for _ in range(_MOST_CAUSES):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None:
            return
        yield cause
        error = cause


def _hints(failure: Failure) -> tuple[str, ...]:
    """Return what to type next; a run that raised has no name, only its pipeline leads to it."""
    flow = name_at_prompt(lambda value: _has_led_to(value, failure)) or "pipeline"
    name = "".join(letter if letter.isalnum() else "_" for letter in failure.stage)
    return (
        f"{flow}.resume()  # go on once it is fixed",
        f"{flow}.last_run.failure.replay()  # make the failed call again, alone",
        f'{flow}.last_run.failure.to_test("test_{name}.py")  # pin it as a test',
    )


def _has_led_to(value: object, failure: Failure) -> bool:
    """Say whether a value is the pipeline of a failure."""
    is_one = issubclass(type(value), Pipeline)  # other values of the user's are not asked
    run = value.last_run if is_one and isinstance(value, Pipeline) else None
    return run is not None and any(one.error is failure.error for one in run.failures)


def _notes(run: Run) -> Iterator[Row]:
    for sink in run.sinks:
        yield Row("note", f"a sink failed: {sink}"[:200])


def _is_at_hand(stage: StageRun) -> bool:
    """Say whether the outputs of a stage can be looked at without loading anything."""
    return bool(stage.outputs) if not isinstance(stage.outputs, KeptOutputs) else False


def _in_a_line(samples: Sequence[Sample]) -> str:
    """Return what a stage gave; "" where it only did something."""
    texts = [
        one.text if one.name == RETURN else f"{one.name} = {one.text}"
        for one in samples
        if one.text != "None"
    ]
    return ", ".join(texts)[:WIDTH]


@frozen
class _Sight:
    """A run, what was heard of it, and how its values are shown."""

    run: Run
    heard: Heard
    shower: Shower
    planned: Mapping[str, PlannedStage]

    def section(
        self, node: Node, stage: StageRun, outputs: Mapping[str, Mapping[str, object]]
    ) -> Section:
        wired = self.run.plan.blueprint.wiring.wires[node.key]
        span = self.heard.span(node.key)
        samples = tuple(self._samples(stage))
        return Section(
            node,
            chips=tuple(self._chips(node, stage)),
            facts=(*self._facts(node, stage), *policy_rows(wired)),
            inputs=tuple(input_rows(wired, self.run.parameters, self.shower, outputs)),
            outputs=samples,
            said=self.heard.said.get(node.key, NOTHING_SAID),
            exhibits=tuple(
                exhibits_of(self.heard.displays.get(node.key, ()), self.run.displays.get)
            ),
            took=duration_text(stage.duration_s) if stage.attempts else "",
            span=span if stage.attempts or node.state == "running" else None,
            where=where_of(wired),
            error=""
            if stage.error is None
            else self.shower.cut(shown_error(stage.error, 400), 400),
            result=_in_a_line(samples) if _is_at_hand(stage) else "",
            is_open=node.key in [failure.stage for failure in self.run.failures[:MOST_TROUBLES]],
        )

    def _chips(self, node: Node, stage: StageRun) -> Iterator[str]:
        if stage.attempts > 1:
            yield f"{stage.attempts} attempts"
        if node.items:
            yield f"items: {node.items_text}"
        executor = self.run.plan.blueprint.wiring.wires[node.key].stage.policy.executor
        if stage.attempts and executor is not None:
            yield executor_name(executor)
        yield from by_whom(stage.workers)

    def _facts(self, node: Node, stage: StageRun) -> Iterator[Row]:
        if stage.state == "reused":
            yield Row("not called", self.shower.cut(stage.reason))
        elif stage.attempts:
            reason = self.planned[node.key].reason
            if reason not in USUAL:
                yield Row("called as", self.shower.cut(reason))
        elif stage.reason:
            yield Row("not called", self.shower.cut(stage.reason))

    def _samples(self, stage: StageRun) -> Iterator[Sample]:
        if isinstance(stage.outputs, KeptOutputs):
            yield Sample(RETURN, "kept, and loaded when it is asked for")
            return
        for name, value in stage.outputs.items():
            if is_secret_name(name):
                yield Sample(name, HIDDEN)
            else:
                yield self.shower.sample(name, value)
