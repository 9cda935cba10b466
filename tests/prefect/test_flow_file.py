"""The text of a flow file, which needs no Prefect to be written."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from pypedream import Parameter, Parameters, Pipeline
from pypedream.errors import ExportError
from pypedream.export.outline import Outline
from pypedream.export.outlining import outline_of
from pypedream.export.prefect import flow_text
from pypedream.export.schema import params_of

ROOT = str(Path(__file__).parents[2])


def outlined(pipeline: Pipeline, **facts: Any) -> Outline:
    params, problems = params_of(pipeline.parameters)
    assert not problems
    return outline_of(pipeline, "m:flow", params=params, **facts)


def arguments(text: str) -> dict[str, str]:
    """Return the arguments of the flow with their annotations."""
    functions = [each for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)]
    return {
        each.arg: "" if each.annotation is None else ast.unparse(each.annotation)
        for each in functions[-1].args.args
    }


def small() -> Pipeline:
    flow = Pipeline("my flow", Parameters.define(n=1))

    @flow.stage
    def load(n: int) -> list[int]:
        return [n]

    @flow.stage(over={"one": "load"}, retries=1, timeout_s=9)
    def square(one: int) -> int:
        return one * one

    @flow.stage(after="square")
    def total(load: list[int]) -> int:
        return sum(load)

    return flow


def test_the_file_is_the_whole_graph_and_thin_bodies() -> None:
    """All that is in it, in order: nobody has to import the pipeline to see what there is."""
    text = flow_text(outlined(small(), command="python -m pypedream export prefect m:flow"))

    assert text == (Path(__file__).parent / "small_flow.txt").read_text()


def test_nothing_but_prefect_and_pydantic_is_imported_at_the_top(
    modules: Callable[[str], Any],
) -> None:
    """A server that knows neither pypedream nor the user's code can read the file."""
    tree = ast.parse(flow_text(outlined(modules("features").flow)))

    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}

    assert imported <= {"datetime", "typing", "prefect", "prefect.cache_policies", "pydantic"}
    assert not [node for node in tree.body if isinstance(node, ast.Import)]


@pytest.mark.parametrize("width", [79, 88, 100, 120])
def test_formatters_leave_the_file_as_it_is(
    modules: Callable[[str], Any], tmp_path: Path, width: int
) -> None:
    """Whatever width a project has."""
    pytest.importorskip("ruff")
    outlines = [
        outlined(modules("features").flow, about='It says "so".\n\nMore.'),
        outlined(modules("features").flow, group_as_task=["prep"], store="s3://bucket/" + 70 * "a"),
        outlined(modules("faults").flow, options={"project_root": "../" * 20}),
        outlined(long_names(), options={"project_root": "..", "map_chunk": 7}),
    ]
    for number, outline in enumerate(outlines):
        (tmp_path / f"flow_{number}.py").write_text(flow_text(outline))
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "--no-cache"]
    files = [str(tmp_path / f"flow_{number}.py") for number in range(len(outlines))]

    found = subprocess.run(
        [*command, f"--line-length={width}", *files], capture_output=True, text=True, check=False
    )

    assert found.returncode == 0, found.stdout


def long_names() -> Pipeline:
    choice = Parameter(str, "a" * 40, choices=["a" * 40, "b" * 40], help="h" * 90)
    flow = Pipeline(
        "l" * 80,
        Parameters.define({"p" * 60: choice, "q": ["x" * 90]}),
        stages={"s" * count: dict for count in (30, 50, 75)},
    )

    @flow.stage(over={"one": "s" * 50}, tags=["t" * 70, 'a "tag"'], retries=1)
    def square(one: int) -> int:
        return one * one

    return flow


def test_the_same_pipeline_gives_the_same_bytes(
    modules: Callable[[str], Any], tmp_path: Path
) -> None:
    """In another process, with another order of sets; where the file lies is not in it."""
    modules("features")
    code = "import features; features.flow.to_prefect('made.py', map_chunk=2, project_root='.')"
    texts = []
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": ROOT}
        subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, timeout=120, cwd=tmp_path
        )
        texts.append((tmp_path / "made.py").read_text())
        (tmp_path / "made.py").unlink()

    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]
    assert "run_items(PIPELINE, name, parameters, upstream, map_chunk=2)" in texts[0]
    assert 'ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "."))' in texts[0]
    command = "python -m pypedream export prefect features:flow --map-chunk 2 --project-root ."
    assert f"    {command} --out made.py\n" in texts[0]


def test_parameters_are_typed_arguments() -> None:
    """Prefect checks them, and makes a form of them."""
    flow = Pipeline(
        "typed",
        Parameters.define(
            rate=0.5,
            day=Parameter(date),
            kind=Parameter(Literal["a", "b"], "a"),
            depth=Parameter(int, 3, min=1, max=9, help="How deep it goes."),
            names=Parameter(list[str], ["x"]),
            limit=Parameter(int | None, None),
        ),
        stages={"load": dict},
    )

    text = flow_text(outlined(flow))

    assert arguments(text) == {
        "day": "date",
        "rate": "float",
        "kind": "Literal['a', 'b']",
        "depth": "Annotated[int, Field(le=9, ge=1)]",
        "names": "list[str]",
        "limit": "int | None",
    }
    assert "        depth: How deep it goes.\n" in text


def test_names_that_python_or_prefect_have_get_another(tmp_path: Path) -> None:
    """The pipeline still gets them by their own."""
    names = ("class", "json", "run_stage", "wait_for", "parameters", "match")
    flow = Pipeline("names", Parameters.define(dict.fromkeys(names, 1) | {"model": {"depth": 2}}))

    @flow.stage
    def run_stage_(model: Any) -> Any:
        return model

    text = flow_text(outlined(flow))

    assert [*arguments(text)] == [*(f"{each}_" for each in names), "model_depth"]
    assert '"model.depth": model_depth,' in text
    assert '        model_depth: Parameter "model.depth".\n' in text


def test_two_parameters_of_one_name_are_refused() -> None:
    """Both are named."""
    flow = Pipeline(
        "twice", Parameters.define({"model": {"depth": 2}, "model_depth": 3}), stages={"load": dict}
    )

    with pytest.raises(ExportError, match=r'"model.depth" and "model_depth" would both be'):
        flow_text(outlined(flow))


def test_secrets_are_not_asked_for(modules: Callable[[str], Any]) -> None:
    """The file has the name that they are read by where a stage is called."""
    text = flow_text(outlined(modules("faults").flow))

    assert "token" not in arguments(text)
    assert '"secrets": {"token": "PYPEDREAM_PARAM_TOKEN"}' in text


def test_settings_are_those_of_the_stages() -> None:
    """Retries with their delays, the time of a call, and words that limits can be set for."""
    flow = Pipeline("settings")

    @flow.stage(retries=3, retry_delay_s=0.5, backoff=3, timeout_s=60, tags="slow", uses="gpu:0")
    def train() -> int:
        return 1

    text = flow_text(outlined(flow))

    for each in (
        'tags=["slow", "gpu:0"],',
        "retries=3,",
        "retry_delay_seconds=[0.5, 1.5, 4.5],",
        "retry_jitter_factor=0.5,",
        "timeout_seconds=60,",
        "retry_condition_fn=worth_repeating,",
    ):
        assert f"        {each}\n" in text


def test_a_task_of_several_items_has_the_time_of_all_of_them() -> None:
    """It repeats each by itself, and Prefect stops it when all could have been done."""
    flow = Pipeline("times", Parameters.define(rows=Parameter(list[int], [1, 2, 3])))

    @flow.stage(over={"row": "rows"}, retries=1, retry_delay_s=0.5, timeout_s=2)
    def square(row: int) -> int:
        return row * row

    one, four = (flow_text(outlined(flow, options={"map_chunk": each})) for each in (None, 4))

    assert "timeout_seconds=2," in one
    assert "timeout_seconds=18.0," in four


def test_what_waits_for_no_items_is_submitted_first(modules: Callable[[str], Any]) -> None:
    """The flow waits for the items of a mapped stage before it goes on."""
    text = flow_text(outlined(modules("features").flow))

    assert text.index(" lines = ") < text.index(" square__items = ")
    assert text.index(" square = ") < text.index(" train = ")


def test_somebodys_file_is_not_replaced(modules: Callable[[str], Any], tmp_path: Path) -> None:
    """One that was written like this is, as long as nobody has changed it."""
    flow, file = modules("features").flow, tmp_path / "made.py"
    file.write_text("mine = 1\n")
    with pytest.raises(ExportError, match="was not written by this"):
        flow.to_prefect(file)
    assert file.read_text() == "mine = 1\n"

    flow.to_prefect(file, overwrite=True)
    written = flow.to_prefect(file, map_chunk=3)

    assert "map_chunk=3" in file.read_text()
    assert (written.function, written.tasks, written.notes) == ("features", 14, ())


def test_a_pipeline_that_nothing_can_import_is_refused(tmp_path: Path) -> None:
    """Nothing is written."""
    with pytest.raises(ExportError, match="no flow is written"):
        small().to_prefect(tmp_path / "flow.py")

    assert not [*tmp_path.iterdir()]


def test_the_command_writes_the_file(modules: Callable[[str], Any], tmp_path: Path) -> None:
    """And says how it is run."""
    modules("features")
    command = "export prefect features:flow --group-as-task prep --store here --out made.py"
    environment = {**os.environ, "PYTHONPATH": ROOT}

    done = subprocess.run(
        [sys.executable, "-m", "pypedream", *command.split()],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert "made.py: flow features with 13 tasks\n" in done.stdout
    assert "  to run it once: python made.py\n" in done.stdout
    assert 'run_group.with_options(name="prep")' in (tmp_path / "made.py").read_text()


def test_what_is_left_to_the_user_is_told(modules: Callable[[str], Any], tmp_path: Path) -> None:
    """Where secrets are read, and which tags need a limit."""
    written = modules("faults").flow.to_prefect(tmp_path / "made.py")

    assert [each for each in written.notes if "set PYPEDREAM_PARAM_TOKEN where" in each]
    assert [each for each in written.notes if "concurrency-limit create gpu:0 1" in each]
