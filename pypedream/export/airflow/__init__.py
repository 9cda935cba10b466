"""Airflow: a pipeline as a DAG file, and what the tasks of that file call.

The file imports nothing but Airflow when it is parsed. Each of its tasks calls `run_stage` or one
of its companions, which imports the pipeline and has one stage called by pypedream's own engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.export.airflow.exporting import to_airflow
    from pypedream.export.airflow.worker import run_group, run_items, run_stage

_HOMES = {
    "run_group": "worker",
    "run_items": "worker",
    "run_stage": "worker",
    "to_airflow": "exporting",
}

__all__ = ["run_group", "run_items", "run_stage", "to_airflow"]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
