"""A pipeline that reads a table, cleans it and summarises it."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from pypedream import Parameter, Parameters, Pipeline

HERE = Path(__file__).resolve().parent

flow = Pipeline(
    "analysis",
    Parameters.define(
        data=Parameter(Path, default=HERE / "data" / "sample.csv", help="the table to read"),
        coldest=Parameter(float, default=-50.0, help="readings below this are taken for errors"),
    ),
)


@flow.stage
def load(data: Path) -> list[dict[str, str]]:
    """Read the rows as they are."""
    with data.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    print("read", len(rows), "rows from", data.name)
    return rows


@flow.stage
def clean(load: list[dict[str, str]], coldest: float) -> list[tuple[str, float]]:
    """Keep place and temperature of the rows that have a believable one."""
    readings = [(row["place"], float(row["celsius"])) for row in load if row["celsius"]]
    kept = [(place, celsius) for place, celsius in readings if celsius >= coldest]
    print("kept", len(kept), "of", len(load), "rows")
    return kept


@flow.stage
def summary(clean: list[tuple[str, float]]) -> dict[str, float]:
    """Return the mean temperature of each place."""
    by_place = defaultdict(list)
    for place, celsius in clean:
        by_place[place].append(celsius)
    means = {place: round(fmean(values), 2) for place, values in by_place.items()}
    for place, mean in means.items():
        print(f"{place}: {mean} degrees")
    return means
