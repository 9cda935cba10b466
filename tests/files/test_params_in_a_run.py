"""Parameters of stages: they are a group of the pipeline's parameters, called like the stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from pypedream import Parameters, Pipeline
from pypedream.errors import PipelineConfigError, PlanError
from pypedream.files import Dep, Out
from pypedream.files.locks import Locks
from pypedream.formats import JSON
from tests.files.test_in_a_run import project

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]


@dataclass(frozen=True)
class Inner:
    depth: int = 2


@dataclass(frozen=True)
class Params:
    threshold: float = 1.5
    name: str = "all"
    inner: Inner = Inner()


def clean(
    params: Params, numbers: Annotated[list[int], Dep("in.json", JSON())]
) -> Annotated[list[int], Out("clean.json", JSON())]:
    return [number for number in numbers if number > params.threshold]


def named(
    params: Params, numbers: Annotated[list[int], Dep("in.json", JSON())]
) -> Annotated[list[int], Out("{name}-{inner.depth}.json", JSON())]:
    return numbers


def read(
    numbers: Annotated[list[int], Dep("all-2.json", JSON())],
) -> Annotated[int, Out("n.json", JSON())]:
    return len(numbers)


def flow_with(params: Any = None, function: Any = clean, **options: Any) -> Pipeline:
    flow = Pipeline("params", progress=False, cache="cached", **options)
    flow.register(function, params=Params(0.5) if params is None else params)
    return flow


def test_the_function_gets_what_was_registered(project: Path) -> None:
    """An instance of the class that its argument is annotated with."""
    flow = flow_with(Params(2.5))

    assert flow.parameters["clean"] == Params(2.5)
    assert flow.run()["clean"] == [3]


def test_a_field_is_set_by_the_name_of_the_stage(project: Path) -> None:
    """As any parameter of a group; the reason says which one changed."""
    flow = flow_with()
    flow.run()

    plan = flow.plan({"clean.threshold": 2})

    assert plan.stages["clean"].reason == 'parameter "clean.threshold" 0.5 -> 2.0'
    assert flow.run({"clean.threshold": 2})["clean"] == [3]
    assert flow.run({"clean": Params(1)})["clean"] == [3, 2]


def test_text_sets_a_field(project: Path) -> None:
    """As the command line gives it."""
    flow = flow_with()
    parameters = flow.parameters.with_text({"clean.threshold": "2.5"}, source="-p")

    assert flow.run(parameters)["clean"] == [3]


def test_the_lock_holds_each_field(project: Path) -> None:
    """Under the name that sets it."""
    flow_with().run()

    lock = Locks(project / ".pypedream").read("clean")

    assert lock is not None
    assert {name: one.shown for name, one in lock.params.items()} == {
        "clean.threshold": "0.5",
        "clean.name": "'all'",
        "clean.inner.depth": "2",
    }


def test_an_argument_called_like_the_stage_means_the_stage(project: Path) -> None:
    """Its group of parameters is reached by an Input."""
    from pypedream import param

    flow = flow_with()
    flow.stage(lambda clean: len(clean) + 3, name="total")
    flow.stage(lambda limits: limits.threshold, name="limit", inputs=[param("clean", "limits")])

    run = flow.run()

    assert (run["total"], run["limit"]) == (6, 0.5)


def test_a_file_in_the_project_replaces_defaults(project: Path) -> None:
    """What a run sets comes before it."""
    (project / "params.json").write_text('{"clean": {"threshold": 2, "inner": {"depth": 5}}}')
    flow = flow_with()

    plan = flow.plan()

    assert plan.parameters["clean"] == Params(2.0, inner=Inner(5))
    assert plan.parameters.source("clean.threshold") == "params.json"
    assert plan.parameters.source("clean.name") == "default"
    assert flow.run()["clean"] == [3]
    assert flow.run({"clean.threshold": 1})["clean"] == [3, 2]


@pytest.mark.parametrize(
    "text, told",
    [
        ('{"claen": {"threshold": 2}}', 'stage "claen" is not there; did you mean "clean"?'),
        ('{"clean": {"treshold": 2}}', 'did you mean "threshold"?'),
        ('{"clean": {"threshold": "high"}}', "clean.threshold"),
        ('{"clean": ', "params.json:1"),
    ],
)
def test_mistakes_in_the_file_are_those_of_the_plan(project: Path, text: str, told: str) -> None:
    """With the nearest name."""
    (project / "params.json").write_text(text)

    with pytest.raises(PlanError) as caught:
        flow_with().plan()
    assert told in str(caught.value)


def test_paths_follow_the_parameters_of_the_run(project: Path) -> None:
    """Those of the stage itself and nested ones; edges are those of the paths that result."""
    flow = flow_with(function=named)
    flow.register(read)

    assert flow.plan().stages["read"].after == ("named",)
    with pytest.raises(PlanError, match=r"all-2\.json"):
        flow.plan({"named.name": "b"})
    (project / "all-2.json").write_text("[1]")
    run = flow.run({"named.name": "b"})

    assert (project / "b-2.json").exists()
    assert run["read"] == 1


def test_paths_take_required_parameters(project: Path) -> None:
    """Without a value the plan says how to set one."""
    flow = Pipeline("required", Parameters.define("year"), progress=False)
    flow.register(read, out_path_overrides={"return": "{year}.json"})
    (project / "all-2.json").write_text("[1]")

    with pytest.raises(PlanError, match=r'parameter "year" is not set: run\(year=\.\.\.\)'):
        flow.plan()
    flow.run(year=1990)

    assert (project / "1990.json").read_text().strip() == "1"


def test_a_parameter_of_the_name_of_the_stage_is_in_the_way(project: Path) -> None:
    """It is refused at once, and the stage is not there then."""
    flow = Pipeline("clash", Parameters.define(clean=1))

    with pytest.raises(PipelineConfigError, match='stage "clean" has parameters of its own'):
        flow.register(clean, params=Params())
    assert [*flow.stages] == []


def test_removed_stages_take_their_parameters_with_them(project: Path) -> None:
    """And another stage may bring others of that name."""
    flow = flow_with()
    flow.remove("clean")

    assert "clean" not in flow.parameters
    flow.register(clean, params=Params(7.5))
    assert flow.parameters["clean.threshold"] == 7.5


def test_parameters_that_are_replaced_keep_those_of_stages(project: Path) -> None:
    """They come back with what was registered."""
    flow = flow_with()
    flow.parameters = Parameters.define(rate=1)

    assert flow.run()["clean"] == [3, 1, 2]
    assert [*flow.parameters] == ["rate", "clean"]


def test_what_may_be_a_mistake_is_a_note_of_the_plan(project: Path) -> None:
    """As a path among the parameters: the content of that file would not count."""
    flow = flow_with(Params(name="data/names.csv"))

    assert any("data/names.csv" in note for note in flow.plan().notes)


def test_stage_params(project: Path) -> None:
    """A model of pydantic works as the other classes do."""
    pytest.importorskip("pydantic")
    from tests.files.stage_params_stages import Limits, limited

    flow = Pipeline("limited", progress=False)
    flow.register(limited, params=Limits(limit=2))

    assert flow.run()["limited"] == [3, 1]
    assert flow.run({"limited.limit": 1})["limited"] == [3]
