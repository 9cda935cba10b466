"""Telling: the log of a stage says where the results of the steps in it come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.context import STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pypedream.steps.level import Level

__all__ = ["is_account", "tell", "warn"]


def tell(levels: Sequence[Level]) -> None:
    """Write what was kept and what was computed into the log of the stage that runs.

    Outside of a run nobody is told.
    """
    attempt = STAGE.get()
    if attempt is None:
        return
    for level in levels:
        if level.kept or level.computed:
            attempt.log.add("log", _text(level), attempt=attempt, data=_data(level))


def is_account(data: Mapping[str, object] | None) -> bool:
    """Say whether a line of a log is one of `tell`: a worker cannot know that there is no run."""
    return data is not None and data.keys() == {"step", "kept", "computed"}


def _text(level: Level) -> str:
    parts = [f"{level.kept} kept"] if level.kept else []
    if level.computed:
        parts.append(f"{level.computed} computed by {type(level.boundary.backend).__name__}")
    return f"{level.label}: {', '.join(parts)}"


def _data(level: Level) -> dict[str, object]:
    paths = level.boundary.paths
    step = level.label if paths is None else paths.step_uid
    return {"step": step, "kept": level.kept, "computed": level.computed}


def warn(text: str) -> None:
    """Write a warning into the log of the stage that runs; outside of a run nobody is told."""
    attempt = STAGE.get()
    if attempt is not None:
        attempt.log.add("warning", text, attempt=attempt, level="warning")
