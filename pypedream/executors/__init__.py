"""Where calls are made: worker processes, and clusters that exist already.

An executor takes a `Job`, which is one or many calls of one function, and gives a future of its
`Reply`. It knows nothing of stages, plans or pipelines: the key of a stage is a text for the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.executors.jobs import Job, Kit, Reply
    from pypedream.executors.processes import Processes

__all__ = ["Job", "Kit", "Processes", "Reply"]

_HOMES = {"Job": "jobs", "Kit": "jobs", "Processes": "processes", "Reply": "jobs"}


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
