"""Numbers of recorded runs, read without loading anything of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pypedream import Pipeline
from pypedream.engine.metrics import metrics_of, numbers_in

LOADED: list[str] = []


class Loud:
    """A value that tells when it is unpickled."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __setstate__(self, state: dict[str, str]) -> None:
        LOADED.append(state["name"])


def found(tmp_path: Path, **values: Any) -> dict[str, int | float]:
    """The numbers that a run with these results has in its record."""
    flow = Pipeline("flow", workspace=tmp_path, progress=False)
    for name, value in values.items():
        flow.stage(lambda value=value: value, name=name)
    flow.run()
    return metrics_of(tmp_path, [flow.history()[-1].kept])[0]


def test_numbers_are_found_also_in_small_dicts(tmp_path: Path) -> None:
    """Words, truth values and what is no number are no metrics."""
    numbers = found(
        tmp_path,
        total=3,
        rate=0.5,
        fit={"auc": 0.9, "kind": "tree", "is_good": True, "lost": None},
        word="tree",
        flag=True,
        rows=[1, 2],
        lost=float("nan"),
        many=dict.fromkeys(map(str, range(100)), 1),
        huge=10**400,
    )

    assert numbers == {"total": 3, "rate": 0.5, "fit.auc": 0.9}


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    """They are what libraries return."""
    numpy = pytest.importorskip("numpy")

    numbers = found(
        tmp_path, mean=numpy.float64(2.5), count=numpy.int64(3), fit={"auc": numpy.float32(0.5)}
    )

    assert numbers == {"mean": 2.5, "count": 3, "fit.auc": 0.5}
    assert {type(number) for number in numbers.values()} == {int, float}


def test_nothing_else_is_unpickled(tmp_path: Path) -> None:
    """Not even what lies beside a number."""
    LOADED.clear()

    numbers = found(tmp_path, loud=Loud("alone"), both={"auc": 0.5, "model": Loud("beside")}, n=1)

    assert numbers == {"n": 1}
    assert LOADED == []


def test_without_a_store_there_is_nothing(tmp_path: Path) -> None:
    """And no store is made."""
    assert metrics_of(tmp_path, [{"one": "0" * 64}]) == [{}]
    assert not (tmp_path / "store").exists()


def test_a_number_has_the_name_of_its_stage() -> None:
    """What is within has a dot."""
    assert dict(numbers_in("fit", {"auc": 0.5, 1: 2})) == {"fit.auc": 0.5}
    assert dict(numbers_in("fit", None)) == {}
