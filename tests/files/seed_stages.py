"""The functions of the page that the `files` dialect follows, as they stand there."""

from typing import Annotated, Any, TypedDict

import matplotlib.figure
import matplotlib.pyplot as plt
import pandas as pd

from pypedream.files import (
    CSV,
    JSON,
    Dep,
    DirectoryOut,
    IncrementalOut,
    MatplotlibFigure,
    Metric,
    Out,
    PlaceholderDep,
    Plot,
    StageParams,
)


class MyParams(StageParams):
    threshold: float = 0.5


class MyOutputs(TypedDict):
    result: Annotated[pd.DataFrame, Out("output.csv", CSV())]
    metrics: Annotated[dict[str, Any], Metric("metrics.json")]


def my_stage(
    params: MyParams,
    data: Annotated[pd.DataFrame, Dep("input.csv", CSV())],
) -> MyOutputs:
    filtered = data[data["score"] > params.threshold]
    return {"result": filtered, "metrics": {"count": len(filtered)}}


def transform(
    data: Annotated[pd.DataFrame, Dep("output.csv", CSV())],
) -> Annotated[pd.DataFrame, Out("clean.csv", CSV())]:
    return data.dropna()


class CacheOutputs(TypedDict):
    cache: Annotated[dict[str, Any], IncrementalOut("cache.json", JSON())]


def incremental_stage(
    cache: Annotated[dict[str, Any] | None, IncrementalOut("cache.json", JSON())],
) -> CacheOutputs:
    existing = cache or {}
    existing["new_key"] = "value"
    return {"cache": existing}


class TaskOutputs(TypedDict):
    results: Annotated[dict[str, dict[str, Any]], DirectoryOut("results/", JSON())]


def process_tasks(data: Annotated[pd.DataFrame, Dep("clean.csv", CSV())]) -> TaskOutputs:
    accuracy = data["score"].mean()
    return {"results": {"task_a.json": {"accuracy": accuracy}, "task_b.json": {"accuracy": 0.87}}}


class CompareOutputs(TypedDict):
    compared: Annotated[dict[str, Any], Metric("compared.json")]


def compare(
    baseline: Annotated[pd.DataFrame, PlaceholderDep(CSV())],
    pair: Annotated[tuple[pd.DataFrame, pd.DataFrame], Dep(("input.csv", "output.csv"), CSV())],
) -> CompareOutputs:
    return {"compared": {"rows": [len(baseline), *map(len, pair)]}}


class PlotOutputs(TypedDict):
    plot: Annotated[matplotlib.figure.Figure, Plot("plots/my_plot.png", MatplotlibFigure())]


def make_plot(data: Annotated[pd.DataFrame, Dep("clean.csv", CSV())]) -> PlotOutputs:
    fig, ax = plt.subplots()
    ax.plot(data["score"])
    return {"plot": fig}
