"""Stages that hand over frames and arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pypedream import Parameters, Pipeline

frames = Pipeline("frames", Parameters.define(rows=5))


@frames.stage
def table(rows):
    days = pd.date_range("2026-01-01", periods=rows, tz="UTC")
    values = np.arange(rows, dtype="int32")
    kinds = pd.Categorical(["a", "b"] * rows, categories=["a", "b"])[:rows]
    return pd.DataFrame({"day": days, "value": values, "kind": kinds}).set_index("day")


@frames.stage
def sums(table):
    return table.groupby("kind", observed=True)["value"].sum()


@frames.stage
def array(table):
    return np.asarray(table["value"], dtype="float32").reshape(-1, 1)


@frames.stage
def rows_of(table, sums, array):
    return [len(table), [int(value) for value in sums], float(array.sum())]


@frames.stage(over={"start": "starts"})
def part(start, table):
    return table.iloc[start : start + 2]


@frames.stage
def starts(rows):
    return list(range(0, rows, 2))


@frames.stage
def whole(part, table):
    return pd.concat(part) if part else table
