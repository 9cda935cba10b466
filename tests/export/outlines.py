"""Pipelines of the tests of exporters, as outlines."""

from __future__ import annotations

from typing import Any

from pypedream import Parameters, Pipeline
from pypedream.export.outline import Outline, Param
from pypedream.export.outlining import outline_of

PARAMS = {
    "n": Param("n", {"type": "integer", "minimum": 0}, 3, help='How "many"'),
    "model.depth": Param("model.depth", {"type": "string", "enum": ["a", "b"]}, "a"),
    "day": Param("day", {"type": "string", "format": "date"}, "2026-01-01", varies=True),
    "limits": Param("limits", {"type": "object", "additionalProperties": False, "$defs": {}}),
    "token": Param("token", {"type": "string"}, is_secret=True, read_by="CO2_TOKEN"),
}


def everything(**options: Any) -> Outline:
    """Return a pipeline with all that an exporter has to write."""
    inner = Pipeline("inner")
    inner.stage(_raw, name="raw")
    inner.stage(lambda raw: raw, name="fine")
    middle = Pipeline("middle")
    middle.stage(_load, name="load")
    middle.include(inner, prefix="silver")
    middle.stage(lambda load: load**2, name="square", over="load")
    flow = Pipeline("my pipeline ü", Parameters.define(n=3))
    flow.include(middle, prefix="bronze")
    policy = {"retries": 3, "retry_delay_s": 0.5, "timeout_s": 60, "priority": 3, "uses": "gpu:0"}
    flow.stage(lambda n: [n], name="total", after="bronze.silver.fine", **policy)
    flow.stage(lambda total: total, name="half", over="total", workers=4, timeout_s=1.5)
    flow.stage(lambda half, total, n: 1, name="maybe", when="n")
    flow.stage(lambda maybe: 1, name="the last one")
    facts = {
        "about": 'About it: "quotes" {{ braces }}.\n\nMore.',
        "fingerprint": "abc",
        "store": "s3://b/x",
        "varies": ("day",),
        "command": "python -m pypedream export airflow flows:flow --out dags/x.py",
    }
    group_as_task = options.pop("group_as_task", ())
    given = {"params": PARAMS, "options": options, **facts}
    return outline_of(flow, "flows:flow", group_as_task=group_as_task, **given)


def of(flow: Pipeline, **facts: Any) -> Outline:
    """Return a pipeline with nothing said about it."""
    return outline_of(flow, "flows:flow", **facts)


def _raw():
    return [1, 2, 3]


def _load(n):
    r"""Load "it" {{ x }} \ and more."""
    return list(range(n))
