"""What users may rely on when their code is type-checked; this file is never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypedDict, assert_type

from attrs import frozen
from pydantic import BaseModel

from pypedream import (
    CHILL,
    WARN_UNEXPECTED,
    DependencyInputMapper,
    Input,
    InputBinding,
    KeyedInputMapper,
    KeyedOutputMapper,
    Parameter,
    Parameters,
    Pipeline,
    Secret,
    SequentialOutputMapper,
    Stage,
    Variables,
    context,
    dependency,
    errors,
    files,
    formats,
    immediate,
    logger,
    param,
    patterns,
    sweep,
    var,
)
from pypedream.engine.past_run import PastRun
from pypedream.engine.plan import Plan
from pypedream.engine.planned import PlannedStage
from pypedream.engine.run import Run, StageRun
from pypedream.engine.runs import Runs
from pypedream.over import Over


@frozen
class Settings:
    year: int = 1990


flow = Pipeline("typed", Parameters.define("source", rate=0.1), variables=Variables.define(rows=0))
by_class = Pipeline("settings", Settings, workspace="runs", executor="threads")


# The decorator returns the very function, in each of its forms.


@flow.stage
def load(source: str) -> list[int]:
    return [len(source)]


@flow.stage("clean", retries=2, after=["load"], tags="slow")
def cleaned(load: list[int], *, rate: float = 0.5) -> dict[str, float]:
    return {"mean": sum(load) * rate}


@flow.stage(
    inputs=[
        param("rate"),
        var("rows", "n", default=1),
        dependency("clean", "values", required=False),
        immediate(3, "times", logged=True),
    ],
    output_mapper=SequentialOutputMapper(["low", "high"], CHILL | WARN_UNEXPECTED),
)
async def bounds(rate: float, n: int, values: Mapping[str, float], times: int) -> tuple[int, int]:
    return n, times


def by_hand(low: int) -> int:
    return low


same = flow.stage(by_hand, name="other", inputs=[dependency("bounds", "low", "low")])

assert_type(load("here"), list[int])
assert_type(cleaned([1], rate=2.0), dict[str, float])
assert_type(by_hand(1), int)
assert_type(same(1), int)


async def use_async() -> None:
    assert_type(await bounds(0.1, 1, {}, 2), tuple[int, int])
    assert_type(await flow.arun(source="here"), Run)


# The explicit form.

stage = Stage(
    by_hand,
    inputs=[
        Input(
            as_arg="low",
            bind=InputBinding.deferred(context.PARAMETERS, mapper=KeyedInputMapper(from_key="a")),
        ),
        Input("b", InputBinding.contextual(context.STAGES, DependencyInputMapper("load"))),
        Input("c", InputBinding.now(3), logged=True),
        Input("d", InputBinding.callback(max, 1, 2, mapper=str, call_first=True)),
        Input("e", InputBinding.contextual(context.STAGES, len, get_first=False)),
    ],
    output_mapper=KeyedOutputMapper({"m": "mean"}),
    name="by hand",
    timeout_s=3,
)
explicit = Pipeline("explicit", stages={"one": stage, "two": by_hand})
explicit.stage(stage)
explicit.include(flow, prefix="part")
assert_type(explicit.stages, Mapping[str, Stage])
assert_type(stage.inputs, tuple[Input, ...])


# Plans and runs.


def use_plan() -> None:
    plan = flow.plan(until="clean", given={"load": [1]}, workers=2)
    assert_type(plan, Plan)
    assert_type(plan.stages, dict[str, PlannedStage])
    assert_type(plan.stages["load"].reason, str)
    assert_type(plan.stages["load"].after, tuple[str, ...])


def use_run() -> None:
    run = flow.run({"model.depth": 3}, source="here", only=["load"], on_error="continue")
    assert_type(run, Run)
    values: Mapping[str, Any] = run
    assert_type(values["load"], Any)
    assert_type(run.state, str)
    assert_type(run.stages, dict[str, StageRun])
    assert_type(run.stages["load"].duration_s, float)
    assert_type(run.outputs["bounds"]["low"], Any)
    assert_type(run.parameters, Parameters)
    assert_type(flow.resume(), Run)
    assert_type(flow.resume(run, rate=2.0), Run)
    assert_type(flow.last_run, Run | None)
    for event in run.events:
        assert_type(event.stage, str | None)


def use_sweep() -> None:
    points = sweep.grid({"model.depth": [1, 2]}, rate=[0.1]) * sweep.sample(3, seed=1, n=(0, 9))
    assert_type(points, sweep.Points)
    assert_type(points + [{"rate": 0.5}], sweep.Points)  # noqa: RUF005
    runs = flow.map_runs(points, at_once=2, results=["clean.mean"], source="here")
    assert_type(runs, Runs)
    assert_type(runs.failed[1:], Runs)
    assert_type(runs.table("load"), list[dict[str, Any]])
    assert_type(runs.best("load", minimize=True), Run | PastRun)
    assert_type(flow.history(workspace="runs"), Runs)
    assert_type(flow.last_runs, Runs | None)


# Parameters.

typed = Parameters.define("source", rate=Parameter(float, 0.1, min=0, max=1, help="a share"))
assert_type(typed, Parameters)
assert_type(Parameters.from_class(Settings), Parameters)
assert_type(typed.with_values({"rate": 0.5}, source="me"), Parameters)
assert_type(Secret("key").reveal(), str)


def use_errors() -> None:
    try:
        flow.plan()
    except errors.PlanError as error:
        assert_type(error.pipeline, str)
        for problem in error.problems:
            assert_type(problem.what, str)
    logger.info("planned", stages=len(flow.stages))


# What is wrong is an error for the type checker, too.

Pipeline("x", {"rate": 3})  # type: ignore[arg-type]
Pipeline("x", stages=[load])  # type: ignore[arg-type]
Input("x", 3)  # type: ignore[arg-type]
InputBinding.deferred("rate")  # type: ignore[arg-type]
Stage(3)  # type: ignore[arg-type]
flow.stage(by_hand)(1.5)  # type: ignore[arg-type]
flow.run(3)  # type: ignore[arg-type]
flow.run(only=3)  # type: ignore[arg-type]
flow.map_runs({"rate": [1]})  # type: ignore[dict-item]


class Words(formats.Loader[list[str], list[str]]):
    """A format of one's own names its arguments as it likes and is given a Path."""

    def load(self, path: Path) -> list[str]:
        return path.read_text().split()

    def save(self, data: list[str], path: Path) -> None:
        path.write_text(" ".join(data))


assert_type(Words().load(Path("words")), list[str])
assert_type(Words().empty(), list[str])
assert_type(formats.Text().load("x.txt"), str)
assert_type(formats.PathOnly().load("x.txt"), Path)
assert_type(formats.get("json"), formats.Serializer)
assert_type(formats.get("json").name, str)
assert_type(formats.pick_serializer({}), str)
assert_type(formats.is_unsafe("pickle"), bool)
formats.JSON(indent=None, empty_factory=list).save([1], Path("x.json"))
formats.CSV(sep=";", index_col=["a", "b"], dtype={"id": "str"})
formats.Feather(compression="zip")  # type: ignore[arg-type]
formats.Parquet(library="dask")  # type: ignore[arg-type]


class Cut(files.StageParams):
    threshold: float = 0.5


class Levels(BaseModel):
    depth: int = 3


class Written(TypedDict):
    rows: Annotated[list[Any], files.Out("rows.csv", formats.CSV())]
    found: Annotated[dict[str, float], files.Metric("found.json")]


def cut(
    params: Cut, rows: Annotated[list[Any], files.Dep(["a.csv", "b/*.csv"], formats.CSV())]
) -> Written:
    return {"rows": rows, "found": {"threshold": params.threshold}}


assert_type(files.spec_of(cut, params=Cut(threshold=0.3)), files.FileSpec | None)
Pipeline("levels", Levels)
Pipeline("levels", Levels(depth=4))
files.Plot("a.png", formats.MatplotlibFigure(dpi=300), x="day", y="n")
Cut(threshold="high")  # type: ignore[arg-type]
Pipeline("levels", 3)  # type: ignore[arg-type]
files.Dep("a.png", formats.MatplotlibFigure())  # type: ignore[arg-type]
files.Out("a.csv", formats.CSV)  # type: ignore[arg-type]
files.IncrementalOut("a.png", formats.MatplotlibFigure())  # type: ignore[arg-type]
files.Dep()  # type: ignore[call-arg]


def doubled(n: int, k: int = 1) -> int:
    return 2 * n * k


assert_type(patterns.map(doubled, over="n"), Stage)
assert_type(patterns.map(doubled, over={"n": "numbers"}, retries=2), Stage)
assert_type(patterns.zip("n", "k"), Over)
assert_type(patterns.cross("n", "k"), Over)
assert_type(patterns.nest("n", depth=3), Over)
assert_type(patterns.cross(doubled, over=("n", "k"), name="grid"), Stage)
assert_type(patterns.nest(doubled, over="n", depth=2), Stage)
assert_type(patterns.reduce(max, over="numbers"), Stage)
assert_type(patterns.branch("is_quick", doubled), Stage)
assert_type(patterns.switch("kind", {"a": doubled}, default=doubled), Stage)
assert_type(patterns.broadcast([min, max], over="numbers"), Stage)
Stage(doubled, over=patterns.zip("n", "k"))
patterns.reduce(max, over=["numbers"])  # type: ignore[arg-type]
