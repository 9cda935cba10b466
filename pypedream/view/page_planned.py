"""Pages of what has not run: a pipeline, and the plan of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from pypedream.log.durations import duration_text
from pypedream.log.redaction import Redactor
from pypedream.mappers import outputs_of
from pypedream.view.describing import describe
from pypedream.view.inputs_shown import (
    input_rows,
    parameter_rows,
    policy_chips,
    policy_rows,
    types_of,
    where_of,
)
from pypedream.view.page import Page, Row, Section
from pypedream.view.samples import Shower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.engine.plan import Plan
    from pypedream.engine.planned import PlannedStage
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters
    from pypedream.pipeline import Pipeline
    from pypedream.view.description import Description, Node


def page_of_pipeline(pipeline: Pipeline) -> Page:
    """Return what there is to show of a pipeline; of one with mistakes too."""
    description = describe(pipeline)
    shower = _shower(pipeline.parameters)
    wires = pipeline.blueprint.wiring.wires
    sections = tuple(
        _section(node, wires[node.key], pipeline.parameters, shower) for node in description.stages
    )
    return Page(
        description,
        facts=(_count(description),),
        parameters=tuple(parameter_rows(pipeline.parameters, shower)),
        sections=sections,
        notes=tuple(Row("mistake", mistake) for mistake in description.mistakes),
    )


def page_of_plan(plan: Plan) -> Page:
    """Return what there is to show of a plan: each decision with its reason."""
    description = describe(plan)
    shower = _shower(plan.parameters)
    wires = plan.blueprint.wiring.wires
    planned = plan.stages
    sections = tuple(
        _planned(node, wires[node.key], planned[node.key], plan.parameters, shower)
        for node in description.stages
    )
    headline = description.headline.removeprefix(f"{plan.pipeline}: ")
    return Page(
        description,
        facts=(headline, *_expected(planned.values())),
        parameters=tuple(parameter_rows(plan.parameters, shower)),
        sections=sections,
        notes=tuple(_notes(plan, shower)),
    )


def _shower(parameters: Parameters) -> Shower:
    return Shower(Redactor(parameters.secrets()).text)


def _count(description: Description) -> str:
    count = len(description.stages)
    return "1 stage" if count == 1 else f"{count} stages"


def _section(node: Node, wired: Wire, parameters: Parameters, shower: Shower) -> Section:
    return Section(
        node,
        chips=tuple(policy_chips(wired)),
        facts=(*policy_rows(wired), *_gives(wired, shower)),
        inputs=tuple(_inputs(wired, parameters, shower)),
        where=where_of(wired),
    )


def _planned(
    node: Node, wired: Wire, planned: PlannedStage, parameters: Parameters, shower: Shower
) -> Section:
    expected = planned.expected_s
    return Section(
        node,
        chips=tuple(policy_chips(wired)),
        facts=(
            Row("why", shower.cut(planned.reason)),
            *policy_rows(wired),
            *_gives(wired, shower),
        ),
        inputs=tuple(_inputs(wired, parameters, shower)),
        took="" if expected is None else f"about {duration_text(expected)}",
        where=where_of(wired),
    )


def _gives(wired: Wire, shower: Shower) -> Iterator[Row]:
    """Yield the type that a stage gives, if it is annotated and gives one thing."""
    kind = types_of(wired, shower).get("return")
    if kind and not outputs_of(wired.stage.output_mapper):
        yield Row("gives", kind, "for each item" if wired.over is not None else "")


def _inputs(wired: Wire, parameters: Parameters, shower: Shower) -> Iterator[Row]:
    """Yield the arguments of a stage, with the types that are annotated."""
    types = types_of(wired, shower)
    for row in input_rows(wired, parameters, shower, {}):
        yield evolve(row, help=types.get(row.name, ""))


def _expected(planned: Iterable[PlannedStage]) -> Iterator[str]:
    """Yield how long it will take, as far as earlier runs tell."""
    running = [one for one in planned if one.decision == "run"]
    known = [one.expected_s for one in running if one.expected_s is not None]
    if known:
        which = "" if len(known) == len(running) else f" for {len(known)} of them"
        yield f"about {duration_text(sum(known))}{which}"


def _notes(plan: Plan, shower: Shower) -> Iterator[Row]:
    yield from (Row("note", shower.cut(note)) for note in plan.notes)
    yield from (Row("replaces", shower.cut(file)) for file in plan.overwrites)
    for key, spots in plan.blind_spots.items():
        yield Row("not seen", shower.cut(f'stage "{key}" {", ".join(spots)}', 300))
