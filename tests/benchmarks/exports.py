"""Exports: what it costs to write a pipeline of many stages in another form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.measure import Row, in_calls, pooled
from tests.benchmarks.stages import chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream import Pipeline

COUNT = 200


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure the text of a DAG file, and what is known of a pipeline without importing it anew."""
    yield from pooled(_rows, 1 if quick else 5, 1 if quick else 5)


def _rows(samples: int) -> list[Row]:
    return [
        Row("DAG file of a stage, without its checks", "calls", _of(samples, _dag_text)),
        Row("Mermaid diagram of a stage", "calls", _of(samples, _mermaid)),
    ]


def _of(samples: int, write: Callable[[Pipeline], str]) -> list[float]:
    from pypedream import Parameters, Pipeline

    def work() -> None:
        flow = Pipeline("long", Parameters.define(x=1))
        for function in chain(COUNT).values():
            flow.stage(function)
        write(flow)

    return in_calls(work, COUNT, samples)


def _dag_text(flow: Pipeline) -> str:
    from pypedream.export.airflow.dag_file import dag_text
    from pypedream.export.outlining import outline_of

    return dag_text(outline_of(flow, "flows:flow"))


def _mermaid(flow: Pipeline) -> str:
    from pypedream.export.exporters import BUILT_IN
    from pypedream.export.outlining import outline_of

    return BUILT_IN["mermaid"].write(outline_of(flow))
