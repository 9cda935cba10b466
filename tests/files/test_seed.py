"""Stages as Pivot's users write them: only the first word of their import lines is another one."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from pypedream.files import CSV, JSON, FileDep, FileOut, spec_of

pytest.importorskip("pydantic")
pd = pytest.importorskip("pandas")
pytest.importorskip("matplotlib")

MODULE = """
import dataclasses
import pathlib
from typing import Annotated, TypedDict

import matplotlib.figure
import numpy as np
import pandas as pd

from pypedream import Pipeline
from pypedream.files import StageParams
from pypedream.files.loaders import CSV, JSON, JSONL, YAML, Text, Pickle, PathOnly, MatplotlibFigure
from pypedream.files.loaders import Reader, Writer, Loader
from pypedream.files.outputs import (
    Dep, Out, Metric, Plot, PlaceholderDep, IncrementalOut, DirectoryOut
)


class MyParams(StageParams):
    threshold: float = 0.5


class MyOutputs(TypedDict):
    result: Annotated[pd.DataFrame, Out("output.csv", CSV())]
    metrics: Annotated[dict, Metric("metrics.json")]


def my_stage(
    params: MyParams,
    data: Annotated[pd.DataFrame, Dep("input.csv", CSV())],
) -> MyOutputs:
    filtered = data[data["score"] > params.threshold]
    return {"result": filtered, "metrics": {"count": len(filtered)}}


def transform(
    data: Annotated[pd.DataFrame, Dep("input.csv", CSV())],
) -> Annotated[pd.DataFrame, Out("output.csv", CSV())]:
    return data.dropna()


def several(
    shards: Annotated[list[pd.DataFrame], Dep(["a.csv", "b.csv"], CSV())],
    pair: Annotated[tuple[pd.DataFrame, pd.DataFrame], Dep(("x.csv", "y.csv"), CSV())],
) -> Annotated[dict, Metric("sizes.json")]:
    return {"shards": len(shards), "pair": len(pair)}


class CacheOutputs(TypedDict):
    cache: Annotated[dict, IncrementalOut("cache.json", JSON())]


def incremental_stage(
    cache: Annotated[dict | None, IncrementalOut("cache.json", JSON())],
) -> CacheOutputs:
    return {"cache": {**(cache or {}), "new_key": "value"}}


class TaskOutputs(TypedDict):
    results: Annotated[dict[str, dict], DirectoryOut("results/", JSON())]


def process_tasks() -> TaskOutputs:
    return {"results": {"task_a.json": {"accuracy": 0.95}, "task_b.json": {"accuracy": 0.87}}}


class CompareOutputs(TypedDict):
    comparison: Annotated[dict, Metric("comparison.json")]


def compare(baseline: Annotated[pd.DataFrame, PlaceholderDep(CSV())]) -> CompareOutputs:
    return {"comparison": {"rows": len(baseline)}}


class PlotOutputs(TypedDict):
    plot: Annotated[matplotlib.figure.Figure, Plot("plots/my_plot.png", MatplotlibFigure(dpi=150))]


def make_plot(data: Annotated[pd.DataFrame, Dep("input.csv", CSV())]) -> PlotOutputs:
    figure = matplotlib.figure.Figure()
    figure.subplots().plot(data["x"], data["y"])
    return {"plot": figure}


@dataclasses.dataclass(frozen=True)
class LinesReader(Reader[list]):
    def load(self, path: pathlib.Path) -> list:
        return path.read_text().splitlines()


@dataclasses.dataclass(frozen=True)
class HTMLWriter(Writer[str]):
    def save(self, data: str, path: pathlib.Path) -> None:
        path.write_text(data)


@dataclasses.dataclass(frozen=True)
class NPY(Loader[np.ndarray, np.ndarray]):
    def load(self, path: pathlib.Path) -> np.ndarray:
        return np.load(path)

    def save(self, data: np.ndarray, path: pathlib.Path) -> None:
        np.save(path, data)

    def empty(self) -> np.ndarray:
        return np.array([])


class OwnOutputs(TypedDict):
    page: Annotated[str, Out("page.html", HTMLWriter())]
    state: Annotated[np.ndarray, IncrementalOut("state.npy", NPY())]


def own_loaders(
    lines: Annotated[list, Dep("lines.txt", LinesReader())],
    state: Annotated[np.ndarray, IncrementalOut("state.npy", NPY())],
) -> OwnOutputs:
    return {"page": "".join(lines), "state": state}
"""


@pytest.fixture(params=[False, True], ids=["now", "postponed"])
def stages(request, monkeypatch):
    """The module, with and without ``from __future__ import annotations``."""
    module = ModuleType("stages")
    monkeypatch.setitem(sys.modules, "stages", module)
    head = "from __future__ import annotations\n" if request.param else ""
    exec(compile(head + MODULE, "stages.py", "exec", dont_inherit=True), vars(module))
    return module


def test_the_stage_with_everything(stages):
    """Parameters, a file in, a file and a metric out."""
    spec = spec_of(stages.my_stage, params=stages.MyParams(threshold=0.3))

    assert spec.deps == {"data": FileDep("input.csv", CSV())}
    assert spec.outs == {
        "result": FileOut("output.csv", CSV()),
        "metrics": FileOut("metrics.json", JSON(), "metric", is_cached=False),
    }
    assert spec.params == ("params", stages.MyParams)
    assert spec.params_value == stages.MyParams(threshold=0.3)


def test_every_stage_can_be_registered(stages):
    """With what it reads and writes."""
    names = [
        "transform",
        "several",
        "incremental_stage",
        "process_tasks",
        "make_plot",
        "own_loaders",
    ]
    specs = {name: spec_of(getattr(stages, name)) for name in names}

    paths = {
        name: (
            [dep.paths for dep in spec.deps.values()],
            [out.path for out in spec.outs.values()],
        )
        for name, spec in specs.items()
    }
    assert paths == {
        "transform": (["input.csv"], ["output.csv"]),
        "several": ([["a.csv", "b.csv"], ("x.csv", "y.csv")], ["sizes.json"]),
        "incremental_stage": (["cache.json"], ["cache.json"]),
        "process_tasks": ([], ["results/"]),
        "make_plot": (["input.csv"], ["plots/my_plot.png"]),
        "own_loaders": (["lines.txt", "state.npy"], ["page.html", "state.npy"]),
    }


def test_overrides(stages):
    """A placeholder and a variant get their paths at registration."""
    compared = spec_of(stages.compare, dep_path_overrides={"baseline": "model_a/results.csv"})
    varied = spec_of(
        stages.my_stage, name="my_stage@v2", out_path_overrides={"result": "v2/output.csv"}
    )

    assert compared.deps["baseline"].paths == "model_a/results.csv"
    assert varied.outs["result"].path == "v2/output.csv"


def test_a_stage_is_tested_with_data(stages):
    """Annotations are bypassed when it is called."""
    result = stages.my_stage(
        params=stages.MyParams(threshold=0.5), data=pd.DataFrame({"score": [0.3, 0.7, 0.9]})
    )

    assert len(result["result"]) == 2
