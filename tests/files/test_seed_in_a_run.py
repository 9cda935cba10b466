"""The pipeline of the page that the `files` dialect follows runs, and does what it says there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pypedream import Pipeline
from pypedream.errors import PipelineConfigError
from tests.files.test_in_a_run import project

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("pandas")
pytest.importorskip("pydantic")
pytest.importorskip("matplotlib").use("Agg")

__all__ = ["project"]


@pytest.fixture
def flow(project: Path) -> Pipeline:
    """The stages of the page in two pipelines, of which one includes the other."""
    from tests.files import seed_stages as seed

    (project / "input.csv").write_text("score,name\n0.2,a\n0.4,b\n0.9,c\n0.7,\n")
    preprocessing = Pipeline("preprocessing")
    preprocessing.register(seed.my_stage, params=seed.MyParams(threshold=0.3))
    preprocessing.register(seed.transform, name="normalize")
    main = Pipeline("main", progress=False, cache="cached")
    main.include(preprocessing)
    main.register(seed.make_plot)
    main.register(seed.process_tasks)
    main.register(seed.compare, dep_path_overrides={"baseline": "clean.csv"})
    main.register(seed.incremental_stage)
    main.register(
        seed.my_stage,
        name="my_stage@v2",
        out_path_overrides={"result": "v2/output.csv", "metrics": "v2/metrics.json"},
    )
    return main


def states(flow: Pipeline, **options: Any) -> dict[str, str]:
    return {key: stage.state for key, stage in flow.run(**options).stages.items()}


def test_all_of_it_runs(flow: Pipeline, project: Path) -> None:
    """Each stage after what it reads; the files are what the functions returned."""
    run = flow.run()

    assert (project / "output.csv").read_text() == "score,name\n0.4,b\n0.9,c\n0.7,\n"
    assert (project / "clean.csv").read_text() == "score,name\n0.4,b\n0.9,c\n"
    assert json.loads((project / "metrics.json").read_text()) == {"count": 3}
    assert json.loads((project / "v2" / "metrics.json").read_text()) == {"count": 2}
    assert json.loads((project / "cache.json").read_text()) == {"new_key": "value"}
    assert json.loads((project / "results" / "task_a.json").read_text()) == {"accuracy": 0.65}
    assert run["compare"]["compared"] == {"rows": [2, 4, 3]}
    assert (project / "plots" / "my_plot.png").read_bytes()[:4] == b"\x89PNG"
    assert run["make_plot"]["plot"] == project / "plots" / "my_plot.png"


def test_nothing_runs_again(flow: Pipeline, project: Path) -> None:
    """Nor when files were touched; a parameter calls what depends on it."""
    flow.run()
    (project / "input.csv").touch()

    assert {*states(flow).values()} == {"reused"}
    changed = flow.run({"my_stage.threshold": 0.8})
    called = [key for key, stage in changed.stages.items() if stage.state == "ok"]
    assert called == ["my_stage", "normalize", "make_plot", "process_tasks", "compare"]


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_it_runs_side_by_side(flow: Pipeline, project: Path, executor: str) -> None:
    """With the same files in the end."""
    assert {*states(flow, executor=executor).values()} == {"ok"}
    assert {*states(flow).values()} == {"reused"}


def test_yaml_overrides_parameters(flow: Pipeline, project: Path) -> None:
    """In the file beside the project file, by the name of the stage."""
    pytest.importorskip("yaml")
    (project / "params.yaml").write_text("my_stage:\n  threshold: 0.8\n")

    plan = flow.plan()

    assert plan.parameters.source("my_stage.threshold") == "params.yaml"
    assert len(flow.run()["my_stage"]["result"]) == 1


def test_a_pipeline_cannot_be_included_twice(flow: Pipeline) -> None:
    """The name is there already."""
    again = Pipeline("again")
    again.include(flow)

    with pytest.raises(PipelineConfigError, match='stage "my_stage" already exists'):
        again.include(flow)
    with pytest.raises(PipelineConfigError, match="cannot include itself"):
        again.include(again)
