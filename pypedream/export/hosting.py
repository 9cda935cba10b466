"""Which pipeline a host carries out task by task, when a user exports another one.

A pipeline whose stages share more than their results says by ``as_tasks()`` what it is for a host:
an ordinary pipeline, of which each stage may be called in a process of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypedream.pipeline import Pipeline


def hosted(pipeline: Pipeline) -> Pipeline:
    """Return what a host carries out of a pipeline: itself, or what it says instead."""
    as_tasks: Any = getattr(pipeline, "as_tasks", None)
    made: Pipeline = pipeline if as_tasks is None else as_tasks()
    return made


def named(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline that a module has a name for, which a host may carry out as another."""
    origin: Pipeline = getattr(pipeline, "origin", pipeline)
    return origin
