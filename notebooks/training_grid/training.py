"""Steps that train classifiers of handwritten digits, and what they are trained on.

The data are the 1,797 digits that come with scikit-learn: pictures of 8 x 8 points, each from 0 to
16, and the digit that each shows.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

from pypedream.steps import Chain, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

Data = dict[str, np.ndarray[Any, Any]]
Point = dict[str, int]


class Load(Step):
    """The digits, split into those to learn from and those to be tested with."""

    test_share: float = 0.25
    seed: int = 0

    def _run(self) -> Data:
        pictures, digits = load_digits(return_X_y=True)
        parts = train_test_split(
            pictures, digits, test_size=self.test_share, random_state=self.seed, stratify=digits
        )
        print(f"loaded {len(pictures)} pictures, {len(parts[1])} of them for tests")
        return dict(zip(("x", "x_test", "y", "y_test"), parts, strict=True))


class Standardise(Step):
    """The same data with each point of a picture scaled to mean 0 and spread 1."""

    least_spread: float = 0.1

    def _run(self, data: Data) -> Data:
        mean = data["x"].mean(axis=0)
        spread = np.maximum(data["x"].std(axis=0), self.least_spread)
        scaled = {name: (data[name] - mean) / spread for name in ("x", "x_test")}
        return {**data, **scaled}


class Train(Step):
    """A forest for one point of the grid: how many trees, and how deep they may be."""

    data: Step
    seed: int = 0

    def _run(self, point: Point) -> RandomForestClassifier:
        data = self.data.run()
        forest = RandomForestClassifier(**point, random_state=self.seed)
        forest.fit(data["x"], data["y"])
        print(f"trained {told(point)}")
        return forest


class Evaluate(Step):
    """The share of the test digits that a forest knows."""

    data: Step

    def _run(self, forest: RandomForestClassifier) -> float:
        data = self.data.run()
        return float(accuracy_score(data["y_test"], forest.predict(data["x_test"])))


class Grid(pydantic.BaseModel):
    """What the file says: the data, how models are trained, and with which values."""

    data: Step
    seed: int = 0
    values: dict[str, list[int]]

    def points(self) -> list[Point]:
        """Return all combinations of the values."""
        return [
            dict(zip(self.values, each, strict=True)) for each in product(*self.values.values())
        ]

    def results(self, folder: str, backend: str, **fields: Any) -> Iterator[tuple[Point, float]]:
        """Give each point of the grid with its accuracy.

        Parameters
        ----------
        folder
            Where data, models and results are kept.
        backend
            Where models are trained.
        fields
            More fields of the backend.
        """
        kept: Any = {"backend": "Cached", "folder": folder}
        data = self.data.clone(infra=kept)
        chain = Chain(
            steps=[Train(data=data, seed=self.seed, infra=kept), Evaluate(data=data)],
            infra={"backend": backend, "folder": folder, **fields},  # type: ignore[arg-type]
        )
        points = self.points()
        yield from zip(points, chain.run_many(points), strict=True)


def told(point: Point) -> str:
    """Return a point as words."""
    return ", ".join(f"{name}={value}" for name, value in point.items())
