"""Quarantine: rows that a step found to be wrong, set aside in files with the reason for each.

The files are beside the run's own, a part after the other. To set rows aside takes them out of
nothing: the step saves its file without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.errors import QuarantineError
from pypedream.tabular.astro_file import AstroFile
from pypedream.tabular.parquet_files import schema_of
from pypedream.tabular.polars_library import pl
from pypedream.tabular.versions import new_version
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["QUARANTINE", "REASON", "StepQuarantine"]

QUARANTINE = "quarantine"
REASON = "_quarantine_reason"
_PART_ROWS = 100_000


@define(eq=False, repr=False)
class StepQuarantine:
    """What one call of a step sets aside; it lives as long as the call.

    Parameters
    ----------
    run_directory
        The folder of the run.
    step_id
        The step.

    Attributes
    ----------
    counts
        From each file to how many of its rows were set aside for each reason.
    """

    run_directory: Path
    step_id: str
    counts: dict[str, dict[str, int]] = Factory(dict)
    _held: dict[str, list[pl.DataFrame]] = Factory(dict)
    _parts: dict[str, int] = Factory(dict)
    _schemas: dict[str, dict[str, Any]] = Factory(dict)
    _lock: Any = Factory(Lock)

    def __repr__(self) -> str:
        return f"<StepQuarantine of {self.step_id!r}: {self.row_count:,} rows>"

    @property
    def row_count(self) -> int:
        """How many rows were set aside."""
        return sum(sum(reasons.values()) for reasons in self.counts.values())

    @property
    def folder(self) -> Path:
        """Where the files are, one or several for each file of the step."""
        return self.run_directory / QUARANTINE / self.step_id

    def quarantine_rows(self, file: AstroFile, rows: pl.DataFrame, *, reason: str) -> None:
        """Set rows aside.

        Parameters
        ----------
        rows
            Rows with the columns that the file had when the step began, in any order.
        reason
            Why, for whoever will look at them; it is in the column ``_quarantine_reason``.

        Raises
        ------
        QuarantineError
            If there are no rows, no reason or no such file, or the columns are others. Nothing
            is set aside then.
        """
        self._check_file(file)
        if not isinstance(rows, pl.DataFrame):
            what = f"rows are a polars DataFrame, not {said(rows)}"
            raise QuarantineError(f"{self._of(file)}: {what}")
        if not _is_text(reason):
            raise QuarantineError(f'{self._of(file)}: say why: reason="no date"')
        if not rows.height:
            raise QuarantineError(f"{self._of(file)}: there are no rows to set aside ({reason})")
        self._hold(file, self._as_in_file(file, rows), reason)

    def quarantine_row(self, file: AstroFile, row: Mapping[str, Any], *, reason: str) -> None:
        """Set one row aside, given as a mapping from column to value; else as `quarantine_rows`."""
        self._check_file(file)
        if not isinstance(row, Mapping):
            what = f"a row is a mapping from column to value, not {said(row)}"
            raise QuarantineError(f"{self._of(file)}: {what}")
        schema = self._schema(file)
        try:
            rows = pl.DataFrame([dict(row)], schema_overrides=_known(schema, row), strict=True)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            what = ", ".join(_misfits(schema, row)) or str(error).partition("\n")[0]
            raise QuarantineError(f"{self._of(file)}: {what}") from error
        self.quarantine_rows(file, rows, reason=reason)

    def write(self) -> None:
        """Write what was set aside since the last time."""
        with self._lock:
            for name in list(self._held):
                self._write(name)

    def _hold(self, file: AstroFile, rows: pl.DataFrame, reason: str) -> None:
        with self._lock:
            reasons = self.counts.setdefault(file.name, {})
            reasons[reason] = reasons.get(reason, 0) + rows.height
            held = self._held.setdefault(file.name, [])
            held.append(rows.with_columns(pl.lit(reason).alias(REASON)))
            if sum(each.height for each in held) >= _PART_ROWS:
                self._write(file.name)

    def _write(self, name: str) -> None:
        self._parts[name] = number = self._parts.get(name, 0) + 1
        with new_version(self.folder / f"{name}.part-{number:05}.parquet") as beside:
            pl.concat(self._held.pop(name)).write_parquet(beside)

    def _as_in_file(self, file: AstroFile, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the columns in the order and of the types of the file."""
        schema, given = self._schema(file), dict(rows.schema)
        wrong = [f'no column "{name}"' for name in schema if name not in given]
        wrong += [f'column "{name}" is not in the file' for name in given if name not in schema]
        wrong += [
            f'column "{name}" is {given[name]}, in the file {schema[name]}'
            for name in schema
            if name in given and given[name] not in (schema[name], pl.Null)
        ]
        if wrong:
            fix = "set aside rows as they are in the file: rows.select(file.scan().columns)"
            raise QuarantineError(f"{self._of(file)}: {', '.join(wrong[:5])}; {fix}")
        return rows.select(pl.col(name).cast(schema[name]) for name in schema)

    def _schema(self, file: AstroFile) -> dict[str, Any]:
        """Return the columns of the file as it was when the step began."""
        if file.name not in self._schemas:
            kept = self.run_directory / "snapshots" / self.step_id / f"{file.name}.parquet"
            path = kept if kept.is_file() else file.active_path
            self._schemas[file.name] = dict(schema_of(path))
        return self._schemas[file.name]

    def _check_file(self, file: object) -> None:
        if not isinstance(file, AstroFile):
            what = f"rows are those of a file that the step got, such as files[0], not {said(file)}"
            raise QuarantineError(f'step "{self.step_id}" cannot quarantine rows: {what}')

    def _of(self, file: AstroFile) -> str:
        return f'step "{self.step_id}" cannot quarantine rows of "{file.name}"'


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _misfits(schema: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with values of a row that are not of the dtype of their column."""
    for name, dtype in _known(schema, row).items():
        try:
            pl.Series([row[name]], dtype=dtype, strict=True)
        except (TypeError, ValueError, pl.exceptions.PolarsError):
            yield f'{said(row[name])} is no {dtype}, which the column "{name}" is'


def _known(schema: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schema[name] for name in row if name in schema}
