"""Stages that read and write files of the project."""

from __future__ import annotations

from typing import Annotated

from pypedream import Parameters, Pipeline
from pypedream.files import Dep, Out
from pypedream.formats import JSON

flow = Pipeline("filed", Parameters.define(n=3))


@flow.stage
def clean(n) -> Annotated[list, Out("clean.json", JSON())]:
    return list(range(n))


@flow.stage
def count(clean: Annotated[list, Dep("clean.json", JSON())]) -> int:
    return len(clean)
