"""Steps: what is called for some files of a run, one after the other or side by side."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from logging import Logger
    from pathlib import Path

    from pypedream.tabular.astro_file import AstroFileSpec
    from pypedream.tabular.quarantine import StepQuarantine

__all__ = ["StepContext", "StepDefinition", "StepKind", "slugify_step_label"]


class StepKind(StrEnum):
    """What a step does with its files."""

    STEP = "step"
    FILTER = "filter"


@frozen
class StepDefinition:
    """A step as it is registered in a pipeline.

    Attributes
    ----------
    step_id
        The name by which it is told from others: in ``depends_on``, logs and statistics.
    label
        What people call it.
    fn
        What is called, with the context and the list of files.
    file_specs
        A class for each of its files, in the order of that list.
    depends_on
        Ids of the steps that have to be complete before.
    is_by_name
        Whether *fn* gets instead what its arguments are called after: files of the pipeline,
        ``ctx``, parameters and so on.
    """

    step_id: str
    label: str
    fn: Callable[..., Any]
    file_specs: tuple[AstroFileSpec | type[AstroFileSpec], ...]
    depends_on: tuple[str, ...]
    kind: StepKind = StepKind.STEP
    is_by_name: bool = False

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(spec.ingest_name for spec in self.file_specs)


@frozen
class StepContext:
    """What a step may know and use while it is called; one for each call.

    Attributes
    ----------
    pipeline_dir
        The folder of the pipeline's file.
    run_directory
        The folder of the run, ``.working/{run_id}/``.
    run_date
        The date of the run, which all of its steps share whenever they are called.
    logger
        Logs into the log of the run, under the name of the step.
    report_progress
        Takes how much of the step is done, from 0 to 1; None if that is not known.
    quarantine
        Sets rows aside.
    stats
        Records numbers of the run, its files and its steps.
    """

    pipeline_dir: Path
    run_directory: Path
    run_id: str
    run_date: date
    step_id: str
    logger: Logger
    report_progress: Callable[[float | None], None]
    quarantine: StepQuarantine
    stats: Any

    def __repr__(self) -> str:
        return f"<StepContext of {self.step_id!r} in run {self.run_id}>"


def slugify_step_label(label: str) -> str:
    """Return the id of a step with this label: lower-case letters and digits, and ``-`` between.

    Examples
    --------
    >>> slugify_step_label("Remove closed schools (2024)")
    'remove-closed-schools-2024'
    >>> slugify_step_label("!")
    'step'

    Raises
    ------
    TypeError
        If the label is no text.
    """
    if not isinstance(label, str):
        raise TypeError(f"the label of a step is a text, not {said(label)}")
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "step"
