"""One function as several stages, and stages of one pipeline in another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from pypedream import Parameters, Pipeline
from pypedream.errors import PipelineConfigError, PlanError
from pypedream.files import Dep, Out
from pypedream.files.locks import Locks
from pypedream.formats import JSON, Text
from tests.files.test_in_a_run import count, flow_of, project, shown

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]


@dataclass(frozen=True)
class Params:
    model: str = "none"
    depth: int = 1


def train(
    params: Params, numbers: Annotated[list[int], Dep("in.json", JSON())]
) -> Annotated[dict[str, Any], Out("models/{model}-{seed}.json", JSON())]:
    return {"model": params.model, "depth": params.depth, "n": len(numbers)}


def scaled(
    factor: Any, numbers: Annotated[list[int], Dep("in.json", JSON())]
) -> Annotated[list[int], Out("{factor}.json", JSON())]:
    return [getattr(factor, "by", factor) * number for number in numbers]


def quiet(name: str = "matrix", *given: Any) -> Pipeline:
    return Pipeline(name, *given, progress=False, cache="cached")


def refused(function: Any, matrix: Any, **options: Any) -> list[str]:
    with pytest.raises(PipelineConfigError) as caught:
        quiet().register(function, matrix=matrix, **options)
    return [line.rpartition(" (")[0] for line in str(caught.value).splitlines()]


def test_a_matrix_gives_a_stage_for_each_combination(project: Path) -> None:
    """Its values are fields of the parameters, and parts of paths."""
    flow = quiet("matrix", Parameters.define(other=1))
    flow.register(train, params=Params(depth=3), matrix={"model": ["bert", "swe"], "seed": [1, 2]})

    run = flow.run()

    assert [*run] == ["train@bert_1", "train@bert_2", "train@swe_1", "train@swe_2"]
    assert json.loads((project / "models" / "swe-2.json").read_text()) == {
        "model": "swe",
        "depth": 3,
        "n": 3,
    }
    assert flow.run({"train@swe_1.depth": 7})["train@swe_1"]["depth"] == 7
    assert (project / ".pypedream" / "locks" / "train@bert_1.json").exists()


class Level(Enum):
    LOW = "low"


@dataclass
class Factor:
    by: int


def test_values_may_be_anything_that_has_a_name(project: Path) -> None:
    """A number, a member of an Enum, or whatever a dict names; arguments get the value itself."""
    flow = quiet()
    flow.register(scaled, matrix={"factor": {"ten": Factor(10), "one": 1}})
    flow.register(scaled, name="number", matrix={"factor": [2.5, True]})

    run = flow.run()

    assert {key: run[key] for key in run} == {
        "scaled@ten": [30, 10, 20],
        "scaled@one": [3, 1, 2],
        "number@2.5": [7.5, 2.5, 5.0],
        "number@True": [3, 1, 2],
    }
    assert (project / "ten.json").exists()
    from pypedream.files.matrix import variants

    assert [each.name for each in variants("x", {"level": [*Level]})] == ["low"]


@pytest.mark.parametrize(
    "matrix, told",
    [
        ({"factor": []}, 'matrix: "factor" has no values'),
        ({"factor": "ab"}, "matrix: \"factor\" is 'ab': give a list of values"),
        ({"factor": [1, 1]}, 'matrix: "factor" has "1" twice'),
        ({"factor": ["a", "A"]}, 'two combinations are called "A" on systems that ignore case'),
        ({"factor": ["a/b"]}, 'which cannot be in a name: leave out "/"'),
        ({"factor": [".."]}, 'which cannot be in the name of a file: a part is ".."'),
        (
            {"factor": [None]},
            'None, which gives no name; give a dict: {"factor": {"a name": value}}',
        ),
        ({"factor": [[1]]}, '[1], which gives no name; give a dict: {"factor": {"a name": value}}'),
        ({"factr": [1]}, 'matrix: "factr" is used nowhere'),
        ({}, "is no dict from names to lists of values"),
        ({"a b": [1]}, "matrix: 'a b' is no name of a parameter"),
    ],
)
def test_mistakes_in_a_matrix(project: Path, matrix: Any, told: str) -> None:
    """Each in one line, and no stage is added."""
    assert told in "\n".join(refused(scaled, matrix))


def test_a_value_that_is_none_for_its_field(project: Path) -> None:
    """The field says so."""
    (line,) = refused(train, {"depth": ["deep"], "seed": [1]}, params=Params())

    assert line.startswith('stage "train": parameter "depth"')


def test_a_name_with_a_variant_is_a_name(project: Path) -> None:
    """With other paths, as another stage."""
    flow = flow_of(count)
    flow.register(shown)
    flow.register(shown, name="shown@v2", out_path_overrides={"return": "v2/shown.txt"})

    flow.run()

    assert (project / "v2" / "shown.txt").read_text() == (project / "shown.txt").read_text()
    assert "comes from the matrix" in refused(train, {"seed": [1]}, name="train@v2")[0]


def test_variants_that_would_write_one_file(project: Path) -> None:
    """A matrix whose value is in no path: the plan names two of them."""
    flow = quiet()
    flow.register(
        train,
        params=Params(),
        matrix={"depth": [1, 2]},
        out_path_overrides={"return": "model.json"},
    )

    with pytest.raises(PlanError) as caught:
        flow.plan()

    what = '"train@1" and "train@2" both write "model.json": give one of them another path'
    assert f'{what}, or put a parameter that differs into it: "{{name}}"' in str(caught.value)


def test_a_pipeline_includes_another(project: Path) -> None:
    """Its stages as they are now, with their parameters; what is added later stays away."""
    inner, middle, outer = quiet("inner"), quiet("middle"), quiet("outer")
    inner.register(count)
    middle.include(inner)
    outer.include(middle)
    outer.include(quiet("empty"))
    outer.register(shown)
    inner.register(train, matrix={"seed": [1]})

    run = outer.run()

    assert [*run] == ["count", "shown"]
    assert [*middle.stages] == ["count"]
    assert outer.stages["count"].files is not inner.stages["count"].files


def test_parameters_of_included_stages_come_along(project: Path) -> None:
    """Under the prefix, if there is one."""
    inner, outer = quiet("inner"), quiet("outer")
    inner.register(train, params=Params(depth=4), matrix={"seed": [1]})
    outer.include(inner, prefix="in")
    outer.include(inner)

    assert outer.parameters["in.train@1.depth"] == 4
    assert outer.parameters["train@1.depth"] == 4
    outer.remove("train@1")
    run = outer.run({"in.train@1.depth": 5})

    assert run["in.train@1"]["depth"] == 5
    assert (project / "models" / "none-1.json").exists()


def test_what_cannot_be_included(project: Path) -> None:
    """In the words of those who know them."""
    inner, outer = flow_of(count), quiet("outer")
    outer.include(inner)

    with pytest.raises(PipelineConfigError, match='stage "count" already exists'):
        outer.include(inner)
    with pytest.raises(PipelineConfigError, match="cannot include itself"):
        outer.include(outer)


def make(
    numbers: Annotated[list[int], Dep("in.json", JSON())],
) -> Annotated[str, Out("m.txt", Text())]:
    return str(numbers)


def take(text: Annotated[str, Dep("sub/m.txt", Text())]) -> Annotated[str, Out("t.txt", Text())]:
    return text.upper()


def test_included_stages_stay_in_their_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and locks are where they were; who reads them from outside comes after."""
    sub = project / "sub"
    sub.mkdir()
    (sub / "in.json").write_text("[7]")
    monkeypatch.setattr("pypedream.files.project.root_of", lambda _: str(sub))
    inner = flow_of(make)
    monkeypatch.setattr("pypedream.files.project.root_of", lambda _: str(project))
    outer = quiet("outer")
    outer.include(inner, prefix="sub")
    outer.register(take)

    plan, run = outer.plan(), outer.run()

    assert plan.stages["take"].after == ("sub.make",)
    assert run["take"] == "[7]"
    assert Locks(sub / ".pypedream").read("sub.make") is not None
    assert Locks(project / ".pypedream").read("take") is not None
    assert not (sub / ".pypedream" / "store").exists()
    (sub / "in.json").write_text("[8]")
    assert [stage.state for stage in outer.run().stages.values()] == ["ok", "ok"]
    (sub / "m.txt").unlink()
    assert [stage.state for stage in outer.run().stages.values()] == ["reused", "reused"]


def test_functions_are_added_in_every_way(project: Path) -> None:
    """In the table of a new pipeline, as a `Stage`, or as a decorator would do."""
    from pypedream import Stage

    flow = Pipeline("ways", stages={"count": count}, progress=False)
    flow.stage(Stage(shown))

    assert flow.plan().stages["shown"].after == ("count",)


def test_a_pipeline_whose_stages_with_files_are_gone_writes_nothing(project: Path) -> None:
    """It is as one that never had any."""
    flow = flow_of(count)
    flow.remove("count")
    flow.options.pop("cache")
    flow.stage(lambda: 1, name="one")

    assert flow.plan().options.workspace is None


def test_all_stages_of_a_pipeline_are_of_one_project(tmp_path: Path) -> None:
    """The root that the first one found is that of the others, whatever was made meanwhile."""
    home = tmp_path / "sub" / "flow.py"
    home.parent.mkdir()
    (tmp_path / "pyproject.toml").touch()
    text = "from pathlib import Path; from pypedream import Pipeline; flow = Pipeline('one');"
    text += "flow.register(make); Path(__file__).with_name('pyproject.toml').touch();"
    text += "flow.register(take); other = Pipeline('other'); other.register(take)"
    home.write_text(text)

    names = {"make": make, "take": take, "__file__": str(home)}
    exec(compile(text, str(home), "exec"), names)

    roots = [stage.files.root for stage in names["flow"].stages.values()]
    assert roots == [str(tmp_path)] * 2
    assert names["other"].stages["take"].files.root == str(home.parent)
