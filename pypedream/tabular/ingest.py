r"""Ingest: one file of rows comes in as its schema says, or tells everything that is wrong with it.

>>> import pandera.polars as pa
>>> from pathlib import Path
>>> from tempfile import mkdtemp
>>> from pypedream.tabular import IngestFileSpec
>>> folder = Path(mkdtemp())
>>> _ = (folder / "schools.csv").write_text("id,pupils\n007,31\n008,many\n009,-4\n")
>>> pupils = pa.Column(int, pa.Check.ge(0))
>>> schema = pa.DataFrameSchema({"id": pa.Column(str, unique=True), "pupils": pupils})
>>> spec = IngestFileSpec("schools", "schools*.csv", schema)
>>> ingest_file(folder / "schools.csv", spec, folder / "schools.parquet")
Traceback (most recent call last):
pypedream.errors.IngestError: schools.csv: 2 problems in 2 of 3 rows, so it did not come in
  line 3, column "pupils": 'many' is not a whole number (Int64)  [type]
  line 4, column "pupils": '-4' does not fulfil greater_than_or_equal_to(0)  [rule]
to take in the other rows and list these in a file: on_error="quarantine"

The same for files of every size: rows are read in batches, and what is found does not depend on
how large these are. Nothing is at the target until all of it is.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from pypedream.errors import DefinitionError
from pypedream.formats.replacement import replacing
from pypedream.names import did_you_mean
from pypedream.store.disk import flush
from pypedream.tabular.blocks import TextFile
from pypedream.tabular.findings import Findings, Rejects
from pypedream.tabular.frame_rows import FrameRows
from pypedream.tabular.headers import (
    Layout,
    late_header_problem,
    layout_of,
    separator_in,
    separator_problem,
)
from pypedream.tabular.intake import Intake
from pypedream.tabular.models import check_limit, check_spec
from pypedream.tabular.polars_library import pl
from pypedream.tabular.problems import Problem, error_of
from pypedream.tabular.records import dialect_of
from pypedream.tabular.table_schema import TableSchema, table_schema
from pypedream.tabular.text_rows import TextRows
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.errors import IngestError
    from pypedream.tabular.batches import RowSource
    from pypedream.tabular.models import IngestFileSpec, OnError
    from pypedream.tabular.rule_results import RuleResult

__all__ = ["IngestedFile", "ingest_file"]


@frozen
class IngestedFile:
    """A file that has come in.

    Attributes
    ----------
    source, target
        What was read, and the Parquet file that was written.
    rows, columns
        What is in it.
    size_bytes, sha256
        Of the source, as it is on disk.
    rejected
        Rows that did not come in; *rows* and these are all rows of the source.
    losses
        The same by the code of their first problem.
    blank_lines
        Lines without anything, which are no rows.
    rules
        What came of each rule.
    rejects
        The file that lists rows that did not come in; None if all did.
    """

    source: Path
    target: Path
    rows: int
    columns: int
    size_bytes: int
    sha256: str
    rejected: int = 0
    losses: Mapping[str, int] = field(factory=dict)
    blank_lines: int = 0
    rules: tuple[RuleResult, ...] = ()
    rejects: Path | None = None

    @property
    def source_rows(self) -> int:
        """How many rows the source has."""
        return self.rows + self.rejected


def ingest_file(
    source: Path,
    spec: IngestFileSpec,
    target: Path,
    *,
    batch_size: int = 100_000,
    on_error: OnError | None = None,
    max_errors: float | None = None,
    rejects: Path | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> IngestedFile:
    """Write the rows of a file as Parquet, if they are what the schema says.

    Parameters
    ----------
    source
        The file; it may be packed by gzip.
    spec
        What is expected of it.
    target
        Where the rows go. What is there is replaced in one step.
    batch_size
        About how many rows are in memory at a time.
    on_error, max_errors
        What becomes of rows that are not right; None is what *spec* says. With "fail" its limit
        does not count.
    rejects
        The CSV file for rows that do not come in; None puts it beside the target.
    progress
        Called after each batch with how many rows have been read, and how many there may be.

    Raises
    ------
    IngestError
        If the file cannot come in. Nothing is written then.
    DefinitionError
        If the schema asks for something that cannot be, or what is written would take the place
        of the source or of a folder.
    TypeError
        If *spec* is no `IngestFileSpec`.
    """
    check_spec(spec)
    _check_batch_size(batch_size)
    source, target = Path(source), Path(target)
    _check_place(source, target, "rows")
    rejects = Path(rejects or target.with_suffix(".rejects.csv"))
    _check_place(source, rejects, "list of its rejects")
    mode = on_error or spec.on_error
    limit = spec.max_errors if max_errors is None and mode == "quarantine" else max_errors
    check_limit(mode, limit, f'the ingest of "{spec.name}"')
    schema = table_schema(spec.schema, spec.name)
    is_lenient = mode == "quarantine" or schema.drops_invalid
    listed = Rejects(rejects) if is_lenient else None
    with ExitStack() as stack:
        rows = _opened(source, spec, stack)
        layout = _layout(rows, schema, spec, source.name)
        beside = stack.enter_context(replacing(target))
        if listed is not None:
            stack.callback(listed.discard)
        findings = Findings(listed)
        intake = Intake(source.name, rows, layout, schema, spec.formats, findings, batch_size)
        intake.run(beside, progress)
        _refuse(intake, limit)
        size_bytes, digest = rows.finish()
        flush(beside)
        kept = listed.keep() if listed is not None else None
    return IngestedFile(
        source,
        target,
        rows=intake.row_count,
        columns=len(layout.dtypes),
        size_bytes=size_bytes,
        sha256=digest,
        rejected=findings.rejected,
        losses=dict(findings.losses),
        blank_lines=intake.blank_count,
        rules=tuple(tally.result(kept) for tally in intake.tallies()),
        rejects=kept,
    )


def _check_batch_size(size: object) -> None:
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise DefinitionError(f"batch_size={said(size)} is not a whole number from 1 up")


def _check_place(source: Path, place: Path, what: str) -> None:
    """Refuse to write where the source is, which would be lost, or where a folder is."""
    if place.is_dir():
        raise DefinitionError(f'"{place}" is a folder: say which file in it gets the {what}')
    if place.exists() and source.exists() and place.samefile(source):
        raise DefinitionError(f'the {what} cannot take the place of "{source}": write elsewhere')


def _opened(source: Path, spec: IngestFileSpec, stack: ExitStack) -> RowSource:
    if spec.preprocess is not None:
        return FrameRows(source, _preprocessed(source, spec), spec.null_values, spec.formats)
    names = None if spec.has_header else spec.column_names
    text = TextFile(source, dialect_of(spec.separator), spec.encoding, names)
    reading = stack.enter_context(text.open())
    return TextRows(text, reading, spec.null_values, spec.formats)


def _preprocessed(source: Path, spec: IngestFileSpec) -> pl.DataFrame:
    """Return what the user's function made of a file; a lazy frame is computed.

    Raises
    ------
    DefinitionError
        If it is no frame of polars.
    Exception
        What the function raises; a note says that it is the one of this file.
    """
    assert spec.preprocess is not None
    try:
        made: Any = spec.preprocess(source)
        made = made.collect() if isinstance(made, pl.LazyFrame) else made
    except Exception as error:
        error.add_note(f'preprocess of the file "{spec.name}" raised this for {source.name}')
        raise
    if not isinstance(made, pl.DataFrame):
        raise DefinitionError(
            f"preprocess has to return a DataFrame of polars, not a {type(made).__name__}"
        )
    return made


def _layout(rows: RowSource, schema: TableSchema, spec: IngestFileSpec, file: str) -> Layout:
    """Return the columns of a file, if they are what the schema says."""
    mistaken = separator_problem(rows.names, schema, spec.separator)
    mistaken = mistaken or late_header_problem(rows, schema)
    layout, problems = layout_of(rows.names, schema, file=file, line=rows.header_line)
    if rows.first_row is not None and spec.separator not in rows.first_row:
        mistaken = separator_in(rows.first_row, len(rows.names))
    if mistaken is not None:
        problems = [evolve(mistaken, file=file, line=rows.header_line or 1)]
    if problems:
        raise error_of(file, problems, head=", so it did not come in")
    _check_formats(layout, schema, spec)
    return layout


def _check_formats(layout: Layout, schema: TableSchema, spec: IngestFileSpec) -> None:
    """Refuse a format that nothing is written in."""
    for name in spec.formats:
        column = layout.kept.get(name)
        if column is None and not any(each.means(name) for each in schema.columns):
            near = did_you_mean(name, layout.kept)
            raise DefinitionError(
                f'the file "{spec.name}" has a format for the column "{name}",'
                f" which is neither in the file nor in the schema{near}"
            )
        if column is not None and not column.dtype.is_temporal():
            raise DefinitionError(
                f'the file "{spec.name}" has a format for the column "{name}", which is'
                f" {column.dtype}: formats are for dates and times"
            )


def _refuse(intake: Intake, limit: float | None) -> None:
    """Raise an error if the file cannot come in."""
    findings, rows = intake.findings, intake.source_row_count
    count = findings.rejected
    is_lenient = findings.rejects is not None
    if is_lenient and all(each.row is not None for each in findings.kept):
        most = limit * rows if isinstance(limit, float) else limit
        if most is None or count <= most:
            return
        head = f" in {count:,} of {rows:,} rows, more than max_errors={limit} allows"
        raise _error(intake, head, "")
    if sum(findings.counts.values()):
        raise _error(
            intake,
            f" in {count:,} of {rows:,} rows, so it did not come in",
            "" if is_lenient else _HINT,
        )


_HINT = 'to take in the other rows and list these in a file: on_error="quarantine"'


def _error(intake: Intake, head: str, to_go_on: str) -> IngestError:
    place = {name: at for at, name in enumerate(intake.layout.names)}

    def order(problem: Problem) -> tuple[bool, int, int]:
        return problem.row is None, problem.row or 0, place.get(problem.column or "", -1)

    problems = sorted(intake.findings.kept, key=order)
    counts = intake.findings.counts
    return error_of(intake.file, problems, counts=counts, head=head, to_go_on=to_go_on)
