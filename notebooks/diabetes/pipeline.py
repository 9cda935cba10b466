"""The course of diabetes, foretold from ten measurements, by ridge and by lasso.

442 patients, and for each a measure of how far the disease had come a year later. Each stage reads
and writes files, so ``repro`` and git know together what belongs to what; README.md has the story.

::

    cd notebooks/diabetes
    python -m pypedream repro
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso, Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from pypedream import Pipeline
from pypedream.files import CSV, JSON, Dep, MatplotlibFigure, Metric, Out, Plot, StageParams

flow = Pipeline("diabetes")


class Split(StageParams):
    """How the patients are divided."""

    test_share: float = 0.3
    seed: int = 7


class Fit(StageParams):
    """Which regression, and how strongly it holds the weights down."""

    method: Literal["ridge", "lasso"] = "ridge"
    alpha: float = 1.0


class Parts(TypedDict):
    """The patients to learn from, and those to be tested with."""

    train: Annotated[pd.DataFrame, Out("data/train.csv", CSV())]
    test: Annotated[pd.DataFrame, Out("data/test.csv", CSV())]


class Fitted(TypedDict):
    """A model that can be read, and its weights as a table that can be drawn."""

    model: Annotated[dict[str, Any], Out("models/{method}.json", JSON())]
    weights: Annotated[
        pd.DataFrame, Plot("plots/{method}-weights.csv", CSV(), x="feature", y="weight")
    ]


class Evaluated(TypedDict):
    """How well a model foretells patients that it has not seen."""

    metrics: Annotated[dict[str, float], Metric("metrics/{method}.json")]
    predictions: Annotated[
        pd.DataFrame,
        Plot("plots/{method}.csv", CSV(), x="measured", y="predicted"),
    ]


def load() -> Annotated[pd.DataFrame, Out("data/patients.csv", CSV())]:
    """Take the patients from scikit-learn, in the units that they were measured in."""
    patients = load_diabetes(as_frame=True, scaled=False).frame
    print(f"{len(patients)} patients, {patients.shape[1] - 1} measurements of each")
    return patients


def split(
    params: Split, patients: Annotated[pd.DataFrame, Dep("data/patients.csv", CSV())]
) -> Parts:
    """Put some patients aside, chosen by chance."""
    train, test = train_test_split(patients, test_size=params.test_share, random_state=params.seed)
    return {"train": train, "test": test}


def fit(params: Fit, train: Annotated[pd.DataFrame, Dep("data/train.csv", CSV())]) -> Fitted:
    """Find the weights, for features of mean 0 and standard deviation 1."""
    columns = features(train)
    means, scales = columns.mean(), columns.std()
    regression = {"ridge": Ridge, "lasso": Lasso}[params.method](alpha=params.alpha)
    regression.fit((columns - means) / scales, train["target"])
    weights = pd.Series(regression.coef_, index=columns.columns)
    kept = int((weights != 0).sum())
    print(f"{params.method} with alpha={params.alpha:g} uses {kept} of {len(weights)} features")
    model = {
        "intercept": float(regression.intercept_),
        "weights": weights.to_dict(),
        "means": means.to_dict(),
        "scales": scales.to_dict(),
    }
    return {"model": model, "weights": weights.rename_axis("feature").reset_index(name="weight")}


def evaluate(
    model: Annotated[dict[str, Any], Dep("models/{method}.json", JSON())],
    test: Annotated[pd.DataFrame, Dep("data/test.csv", CSV())],
) -> Evaluated:
    """Foretell the patients that were put aside."""
    scaled = (features(test) - pd.Series(model["means"])) / pd.Series(model["scales"])
    predicted = model["intercept"] + scaled @ pd.Series(model["weights"])
    measured = test["target"]
    metrics = {
        "rmse": root_mean_squared_error(measured, predicted),
        "mae": mean_absolute_error(measured, predicted),
        "r2": r2_score(measured, predicted),
    }
    return {
        "metrics": {name: round(float(value), 3) for name, value in metrics.items()},
        "predictions": pd.DataFrame({"measured": measured, "predicted": predicted.round(1)}),
    }


def features(patients: pd.DataFrame) -> pd.DataFrame:
    """Return what a model sees of the patients."""
    return patients.drop(columns="target")


def compare(
    ridge: Annotated[dict[str, float], Dep("metrics/ridge.json", JSON())],
    lasso: Annotated[dict[str, float], Dep("metrics/lasso.json", JSON())],
) -> Annotated[Figure, Plot("plots/compare.svg", MatplotlibFigure())]:
    """Draw the errors of both side by side."""
    figure = Figure(figsize=(5, 2.4), layout="constrained")
    axes = figure.subplots()
    names = ["rmse", "mae"]
    for place, (method, found) in enumerate({"ridge": ridge, "lasso": lasso}.items()):
        bars = axes.barh(np.arange(2) + place * 0.38, [found[name] for name in names], 0.36)
        axes.bar_label(bars, padding=4, fmt="%.1f")
        bars.set_label(method)
    axes.set_yticks(np.arange(2) + 0.19, names)
    axes.set_xlabel("error, in units of the target")
    axes.margins(x=0.15)
    axes.legend(frameon=False)
    return figure


flow.register(load)
flow.register(split)
flow.register(fit, matrix={"method": ["ridge", "lasso"]})
flow.register(evaluate, matrix={"method": ["ridge", "lasso"]})
flow.register(compare)
