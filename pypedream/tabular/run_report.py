"""Report of a run of tables: how it went, what failed of the rules, and where each row went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

from pypedream._lazy import shown_as, view
from pypedream.errors import StoreError
from pypedream.tabular.row_ledger import RowLedger, ledgers_of
from pypedream.tabular.run_folders import WORKING, find_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike

    from pypedream.tabular.manifest import Manifest
    from pypedream.tabular.rule_results import FileRules
    from pypedream.tabular.stats import StatRecord

__all__ = ["RunReport", "report_of"]


@frozen
class RunReport:
    """All that is known of a run of tables, for a notebook and for a file.

    Attributes
    ----------
    manifest
        Its files and steps, and how far they are.
    rules
        What came of the rules of each file.
    records
        The numbers that were noted.
    rows_now
        How many rows files have by themselves, to be compared with what the run says.
    """

    manifest: Manifest
    rules: tuple[FileRules, ...] = ()
    records: tuple[StatRecord, ...] = ()
    rows_now: Mapping[str, int] = Factory(dict)

    @property
    def headline(self) -> str:
        """Which run it is and how it went, in one line."""
        manifest = self.manifest
        return (
            f'run {manifest.run_id} of "{manifest.pipeline}": {manifest.status},'
            f" {manifest.run_date.isoformat()}"
        )

    @property
    def ledgers(self) -> tuple[RowLedger, ...]:
        """Where the rows of each file went."""
        return ledgers_of(self.manifest, self.rows_now)

    def write(self, path: str | PathLike[str]) -> Path:
        """Write the report as one HTML file, which loads nothing and can be mailed and archived.

        A file that is there is replaced, whole or not at all; missing folders are made.

        Returns
        -------
        The path.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        written: Path = view("tables_report").write_tables_report(self, path)
        return written

    def __str__(self) -> str:
        rules = {each.file: each for each in self.rules}
        lines = [self.headline, *self._steps()]
        for ledger in self.ledgers:
            lines += str(ledger).splitlines()
            if ledger.file in rules:
                lines += str(rules[ledger.file]).splitlines()
        return "\n".join(lines)

    def _steps(self) -> Iterator[str]:
        for name, state in self.manifest.steps.items():
            why = f": {state.error}" if state.error else ""
            yield f'  step "{name}" is {state.status}{why}'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)


def report_of(pipeline_dir: Path, run_id: str) -> RunReport:
    """Return the report of a run; its files are counted, and nothing is changed.

    Raises
    ------
    NoTableRun
        If there is no such run.
    StoreError
        If what is known of it cannot be read.
    """
    from pypedream.tabular.stat_store import StatisticsStore  # showing a report needs no database

    pipeline_dir = Path(pipeline_dir)
    manifest = find_run(pipeline_dir, run_id)
    store = StatisticsStore(pipeline_dir)
    try:
        rules, records = store.rules(run_id), store.records(run_id)
    finally:
        store.close()
    return RunReport(manifest, tuple(rules), tuple(records), _rows_now(pipeline_dir, manifest))


def _rows_now(pipeline_dir: Path, manifest: Manifest) -> dict[str, int]:
    folder = pipeline_dir / WORKING / manifest.run_id
    return {name: _row_count(folder / file.active_path) for name, file in manifest.files.items()}


def _row_count(path: Path) -> int:
    from pypedream.tabular.parquet_files import row_count
    from pypedream.tabular.polars_library import pl

    if not path.is_file():
        return 0
    try:
        return row_count(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise StoreError(f"the rows in {path} cannot be counted: {reason}") from error
