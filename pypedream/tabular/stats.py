"""Statistics: numbers that a run notes of itself, of its files and of its steps.

Within a step they are noted through ``context.stats``::

    def match(context, files):
        context.stats.record_step("matched", 1_204)
        context.stats.record_file("schools", "without_postcode", 17)

Each is kept in ``.astro/stats.db`` and is a line of the log. Whoever notes the same again replaces
it, so a step that is called again leaves one number.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from numbers import Real
from typing import TYPE_CHECKING, Protocol

from attrs import evolve, field, frozen

from pypedream.log.logger import logger
from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from attrs import Attribute

__all__ = ["StatRecord", "StatScope", "StatisticsRecorder"]

_NOBODY = "-"


class StatScope(StrEnum):
    """What a number is about."""

    RUN = "run"
    FILE = "file"
    STEP = "step"


@frozen
class StatRecord:
    """One number.

    Attributes
    ----------
    subject
        The name of the file or the id of the step; None for the run.
    action
        What was counted or measured, such as "row_count" or "duration_ms".
    recorded_at
        When it was noted, in UTC.

    Raises
    ------
    ValueError
        If the action is empty, the value is no number, or a file or step has no name.
    """

    run_id: str
    scope: StatScope = field(converter=StatScope)
    subject: str | None = field()
    action: str = field()
    value: float = field()
    recorded_at: datetime

    @subject.validator
    def _check_subject(self, _: Attribute[str | None], subject: object) -> None:
        is_of_run = self.scope is StatScope.RUN
        is_well = not subject if is_of_run else subject and isinstance(subject, str)
        if not is_well:
            wanted = "no name" if is_of_run else f"the name of the {self.scope}"
            raise ValueError(f"a number of a {self.scope} needs {wanted}, not {subject!r}")

    @action.validator
    def _check_action(self, _: Attribute[str], action: object) -> None:
        if not isinstance(action, str) or not action.strip():
            raise ValueError(f"say what the number counts: {action!r} is no name for it")

    @value.validator
    def _check_value(self, _: Attribute[float], value: float) -> None:
        if isinstance(value, bool) or not isinstance(value, Real) or math.isnan(value):
            raise ValueError(f'"{self.action}" is {value!r}, which is no number')

    def __str__(self) -> str:
        said = " ".join(f"{name}={value}" for name, value in self._said().items())
        return f"STAT {said}"

    def log(self) -> None:
        """Be a line of the log."""
        logger.info("STAT", **self._said())

    def _said(self) -> dict[str, object]:
        return {
            "run": self.run_id,
            "scope": str(self.scope),
            "subject": self.subject or _NOBODY,
            "action": self.action,
            "value": int(self.value) if float(self.value).is_integer() else self.value,
        }


class Statistics(Protocol):
    """What keeps records."""

    def write(self, records: Iterable[StatRecord]) -> None:
        """Keep records, each in place of the one about the same."""


@frozen
class StatisticsRecorder:
    """Note numbers of one run, of its files and of its steps.

    Parameters
    ----------
    run_id
        The run.
    store
        Where they are kept: a `StatisticsStore`.
    step_id
        The step that `record_step` is about, unless it is told another one.
    file_names
        The files of the run; None if nobody knows these.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from structlog.testing import capture_logs
    >>> from pypedream.tabular import StatisticsStore
    >>> store = StatisticsStore(mkdtemp())
    >>> stats = StatisticsRecorder("ab12c", store, step_id="match")
    >>> with capture_logs():  # each is a line of the log, too
    ...     stats.record_step("matched", 1_204)
    >>> print(*store.records("ab12c"))
    STAT run=ab12c scope=step subject=match action=matched value=1204
    """

    run_id: str
    store: Statistics = field(repr=False)
    step_id: str | None = field(default=None, kw_only=True)
    file_names: Collection[str] | None = field(default=None, kw_only=True, repr=False)

    def record_run(self, action: str, value: float) -> None:
        """Note a number of the run.

        Raises
        ------
        ValueError
            If *action* is empty or *value* is no number.
        """
        self._record(StatScope.RUN, None, action, value)

    def record_file(self, file_name: str, action: str, value: float) -> None:
        """Note a number of a file, by the name that it has in the pipeline.

        Raises
        ------
        ValueError
            As `record_run`, and if there is no such file.
        """
        if self.file_names is not None and file_name and file_name not in self.file_names:
            near = (
                did_you_mean(str(file_name), self.file_names) or f": {there_are(self.file_names)}"
            )
            raise ValueError(f'there is no file "{file_name}" to note "{action}" of{near}')
        self._record(StatScope.FILE, file_name, action, value)

    def record_step(self, action: str, value: float, *, step_id: str | None = None) -> None:
        """Note a number of a step.

        Parameters
        ----------
        step_id
            The step; None is the one of this recorder.

        Raises
        ------
        ValueError
            If there is no step, *action* is empty or *value* is no number.
        """
        self._record(StatScope.STEP, step_id or self.step_id, action, value)

    def for_step(self, step_id: str) -> StatisticsRecorder:
        """Return a recorder of the same run for a step."""
        return evolve(self, step_id=step_id)

    def _record(self, scope: StatScope, subject: str | None, action: str, value: float) -> None:
        record = StatRecord(self.run_id, scope, subject, action, value, datetime.now(UTC))
        self.store.write([record])
        record.log()
