"""Findings: all that an ingest has found so far, counted by rule and by kind."""

from __future__ import annotations

import csv
import os
from collections import Counter
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from attrs import define, field

from pypedream.tabular.problems import MOST_KEPT, Problem
from pypedream.tabular.rule_results import RuleResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Findings", "Rejects", "Tally"]

_MOST_EXAMPLES = 5
_COLUMNS = ("file", "line", "row", "column", "value", "code", "rule", "reason", "record")


@define
class Tally:
    """How one rule fared.

    Attributes
    ----------
    name, column
        As in `RuleResult`.
    examples
        The first few values that failed, each once.
    """

    name: str
    column: str | None
    checked: int = 0
    failed: int = 0
    examples: list[str] = field(factory=list)

    def add(self, checked: int, failed: int) -> None:
        """Count what was looked at, and what of it failed."""
        self.checked += checked
        self.failed += failed

    def show(self, value: str | None) -> None:
        """Remember a value that failed."""
        has_room = len(self.examples) < _MOST_EXAMPLES
        if value is not None and has_room and value not in self.examples:
            self.examples.append(value)

    def result(self, extract: Path | None) -> RuleResult:
        """Return it as it is reported."""
        where = str(extract) if extract is not None and self.failed else None
        return RuleResult(
            self.name, self.column, self.checked, self.failed, tuple(self.examples), where
        )


@define
class Rejects:
    """The file that lists the rows which did not come in, one line for each reason.

    It is written beside its place, is there when the ingest has succeeded, and only if there is
    something in it.
    """

    path: Path
    _beside: Path = field(init=False)
    _file: IO[str] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        from secrets import token_hex

        self._beside = self.path.with_name(f".tmp-{token_hex(8)}.csv")

    def write(self, problems: Iterable[Problem]) -> None:
        """Add problems."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(  # noqa: SIM115 - closed by keep and discard
                self._beside, "x", encoding="utf-8", errors="backslashreplace", newline=""
            )
            self._writer().writerow(_COLUMNS)
        with self._named():
            self._writer().writerows(_line(problem) for problem in problems)

    def keep(self) -> Path | None:
        """Put the file in place and return where; None if nothing was written."""
        if self._file is None:
            return None
        with self._named():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._beside.replace(self.path)
        self._file = None
        return self.path

    def discard(self) -> None:
        """Remove what was written and not kept."""
        if self._file is not None:
            with suppress(OSError):  # a full disk has no room for the last lines either
                self._file.close()
            self._beside.unlink(missing_ok=True)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say which file it is that a disk has no room for."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _writer(self) -> Any:
        assert self._file is not None
        return csv.writer(self._file, lineterminator="\n")


def _line(problem: Problem) -> list[Any]:
    return [getattr(problem, name) for name in _COLUMNS]


@define
class Findings:
    """What is wrong, and how much was looked at.

    Attributes
    ----------
    rejects
        Where problems are written; None if the first of them keeps the file out.
    kept
        The first problems.
    counts
        Problems by their code.
    losses
        Rows that do not come in, by the code of the first reason.
    """

    rejects: Rejects | None
    kept: list[Problem] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)
    losses: Counter[str] = field(factory=Counter)
    _left: int = field(default=MOST_KEPT)

    @property
    def has_room(self) -> bool:
        """Whether problems have to be known one by one, and not only how many there are."""
        return self.rejects is not None or self._left > 0

    def next_part(self) -> None:
        """Let what follows, as it is found in another order, have room of its own."""
        self._left = MOST_KEPT

    def add(self, problems: list[Problem]) -> None:
        """Keep problems; who adds them has counted them."""
        if self.rejects is not None and problems:
            self.rejects.write(problems)
        self.kept += problems[: self._left]
        self._left -= min(len(problems), self._left)

    @property
    def rejected(self) -> int:
        """How many rows do not come in."""
        return sum(self.losses.values())
