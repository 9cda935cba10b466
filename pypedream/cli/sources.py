"""What is exported: the pipeline of a file or module, or that of the marked cells of a notebook."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pypedream.cli.load import loaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.export.export_cells import Sidecar
    from pypedream.pipeline import Pipeline

_NOTEBOOK = ".ipynb"


@contextmanager
def opened(
    target: str | None,
    out: str,
    *,
    debug: bool,
    overwrite: bool = False,
    paths: Iterable[str] = (),
) -> Iterator[tuple[Pipeline, Sidecar | None]]:
    """Load the pipeline that is to be exported to a file.

    Parameters
    ----------
    target
        As for all commands; or a notebook, also with ":name".
    out
        The file that is to be written.
    overwrite
        Whether the module of a notebook's cells may be replaced if somebody changed it.
    paths
        Folders that it imports from where it is to run.

    Returns
    -------
    The pipeline; and the module that has to be written with the file, if it is in a notebook.
    """
    place, name = _split(target or "")
    if not place:
        with loaded(target, debug=debug, paths=paths) as found:
            yield found.pipeline, None
        return
    from pypedream.export.export_cells import pipeline_in, sidecar_of

    sidecar = sidecar_of(place, out, overwrite=overwrite)
    with pipeline_in(sidecar, name, paths) as (pipeline, _):
        yield pipeline, sidecar


def maker_in(target: str | None) -> str:
    """Return the function that makes the pipeline, "build()", if the target names one."""
    return target.rpartition(":")[2] if target and target.endswith("()") else ""


def said(target: str | None) -> str:
    """Return how a file may name the pipeline: not by a place on this machine."""
    return "" if target is None or os.path.isabs(target) else target


def _split(target: str) -> tuple[str, str]:
    """Return the notebook and the name of the pipeline in it; "" if it is no notebook."""
    if target.endswith(_NOTEBOOK):
        return target, ""
    place, _, name = target.rpartition(":")
    return (place, name) if place.endswith(_NOTEBOOK) else ("", "")
