"""The project of a pipeline: the folder that all its paths are relative to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from pypedream.files.paths import project_place
from pypedream.files.spec import spec_of
from pypedream.files.stage_files import StageFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.places import Place
    from pypedream.stage import Stage


def files_of_stage(
    stage: Stage,
    place: Place | None,
    params: Any = None,
    deps: Mapping[str, Any] | None = None,
    outs: Mapping[str, Any] | None = None,
    *,
    pipeline: str = "",
) -> StageFiles | None:
    """Return what a stage reads and writes; None if that is nothing.

    Parameters
    ----------
    place
        Where the user made the pipeline.
    pipeline
        Its name.
    """
    spec = spec_of(
        stage.function,
        params=params,
        dep_path_overrides=deps,
        out_path_overrides=outs,
        name=stage.name,
    )
    return None if spec is None else StageFiles(spec, _root_for(place), pipeline)


_LAST: Final[list[tuple[Place, str]]] = []


def _root_for(place: Place | None) -> str:
    """Return the root as text; all stages of a pipeline in a file have the one of the first."""
    for known, root in _LAST:
        if known is place:
            return root
    root = root_of(place)
    if place is not None and os.path.isfile(place.file):
        _LAST[:] = [(place, root)]
    return root


def root_of(place: Place | None) -> str:
    """Return the folder of the project of a pipeline that the user made at *place*.

    A notebook's is the one that it runs in.
    """
    if place is None or not os.path.exists(place.file):
        return project_place(os.getcwd())
    return project_place(os.path.dirname(os.path.abspath(place.file)))
