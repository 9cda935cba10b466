"""Prefect: a pipeline as a flow file, what its tasks call, and results of tasks in a `CacheStore`.

The file imports nothing but Prefect. Each of its tasks calls `run_stage` or one of its companions,
which imports the pipeline and has one stage called by pypedream's own engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.export.prefect.exporting import to_prefect
    from pypedream.export.prefect.flow_file import flow_text
    from pypedream.export.prefect.outcomes import Outcome, outcome
    from pypedream.export.prefect.result import XpersistResult
    from pypedream.export.prefect.storage import StoreBlock
    from pypedream.export.prefect.worker import run_group, run_items, run_stage

_HOMES = {
    "Outcome": "outcomes",
    "StoreBlock": "storage",
    "XpersistResult": "result",
    "flow_text": "flow_file",
    "outcome": "outcomes",
    "run_group": "worker",
    "run_items": "worker",
    "run_stage": "worker",
    "to_prefect": "exporting",
}

__all__ = [
    "Outcome",
    "StoreBlock",
    "XpersistResult",
    "flow_text",
    "outcome",
    "run_group",
    "run_items",
    "run_stage",
    "to_prefect",
]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
