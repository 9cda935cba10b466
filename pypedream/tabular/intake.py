"""Intake: the rows of a source go by in batches, are judged, and those that are right are written.

What has to be known of all rows together is asked when all have been written, of what was
written. So neither the answers nor the file depend on where a batch ends.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from pypedream.tabular.judging import Judge, difference, without
from pypedream.tabular.parquet_files import scan
from pypedream.tabular.parquet_sink import ParquetSink
from pypedream.tabular.parsing import casts_of
from pypedream.tabular.polars_library import pl
from pypedream.tabular.problems import MOST_KEPT, Problem
from pypedream.tabular.rules import WholeRule, row_rules, whole_rules
from pypedream.tabular.whole_rules import Broken, Numbers, broken_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pypedream.tabular.batches import Place, RowSource
    from pypedream.tabular.findings import Findings, Tally
    from pypedream.tabular.headers import Layout
    from pypedream.tabular.table_schema import TableSchema

__all__ = ["Intake"]


_NO_PAIRS = pl.DataFrame(schema={"row": pl.UInt32, "rule": pl.UInt32})


def _pairs(rule: int, rows: pl.Series | None) -> pl.DataFrame:
    """Return the rows that do not fulfil a rule, each with the rule."""
    if rows is None:
        return _NO_PAIRS
    frame = pl.DataFrame({"row": rows.cast(pl.UInt32)})
    return frame.with_columns(rule=pl.lit(rule, dtype=pl.UInt32))


@frozen
class _Note:
    """How many rows of a batch could be read, and which of them did not come in."""

    height: int
    wrong: pl.Series

    @property
    def right_count(self) -> int:
        return self.height - self.wrong.len()

    def indexes(self, right: list[int]) -> list[int]:
        """Return which rows of the batch some rows are that came in."""
        if not self.wrong.len():
            return right
        left = without(pl.DataFrame({"row": range(self.height)}), self.wrong).to_series()
        return left.gather(right).to_list()


@define
class Intake:
    """The rows of one source on their way.

    Attributes
    ----------
    file
        Name of the source, for problems.
    formats
        As in `IngestFileSpec`.
    row_count
        Rows that are at the target.
    source_row_count, blank_count
        Rows of the source, and lines without anything.
    """

    file: str
    source: RowSource
    layout: Layout
    schema: TableSchema
    formats: Mapping[str, str]
    findings: Findings
    batch_size: int
    row_count: int = field(default=0, init=False)
    source_row_count: int = field(default=0, init=False)
    blank_count: int = field(default=0, init=False)
    _judge: Judge = field(init=False)
    _rules: list[WholeRule] = field(init=False)
    _tallies: list[Tally] = field(factory=list, init=False)
    _notes: list[_Note] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        layout, casts = self.layout, casts_of(self.layout, self.formats)
        self._judge = Judge(self.file, layout, row_rules(layout), casts, self.findings)
        self._rules = whole_rules(self.layout, self.schema)

    def run(self, path: Path, progress: Callable[[int, int | None], None] | None) -> None:
        """Write the rows that are right to a path."""
        numbers = {
            at: Numbers(rule.columns) for at, rule in enumerate(self._rules) if not rule.check
        }
        with ParquetSink(path, self.layout.dtypes) as sink:
            for batch in self.source.batches(self.layout, self.batch_size):
                right, wrong = self._judge.right_rows(batch)
                sink.put(right)
                for each in numbers.values():
                    each.add(right)
                self._notes.append(_Note(batch.frame.height, wrong))
                self.row_count += right.height
                self.source_row_count += batch.row_count
                self.blank_count += batch.blank_count
                if progress is not None:
                    estimate = self.source.row_estimate(self.source_row_count)
                    progress(self.source_row_count, estimate)
                del batch, right  # or two batches were in memory while the next one is made
        self._ask_of_all(path, numbers)

    def tallies(self) -> list[Tally]:
        """Return how all rules fared."""
        judge = self._judge
        return [judge.readable, *judge.types.values(), *judge.ruled, *self._tallies]

    def _ask_of_all(self, path: Path, numbers: dict[int, Numbers]) -> None:
        self.findings.next_part()
        found = []
        for at, rule in enumerate(self._rules):
            tally, broken = broken_by(rule, numbers.get(at), path, self.row_count)
            self._tallies.append(tally)
            found += [broken] if broken else []
        wrong = self._count(found)
        if found and self.findings.has_room:
            self._tell(found)
        if wrong.len():
            self._take_out(path, wrong)

    def _count(self, found: list[Broken]) -> pl.Series:
        """Return the rows that do not come in after all, each once, and count them."""
        wrong = pl.Series("row", [], dtype=pl.UInt32)
        for broken in found:
            if broken.rule.is_warning:
                continue
            code, rows = broken.rule.code, broken.rows
            self.findings.counts[code] += 1 if rows is None else rows.len()
            if rows is not None:
                fresh = difference(rows, wrong)
                self.findings.losses[code] += fresh.len()
                wrong = pl.concat([wrong, fresh])
        return wrong.sort()

    def _tell(self, found: list[Broken]) -> None:
        """Tell each problem: those of the file, then those of rows in their order."""
        problems = [self._problem(each, None) for each in found if each.rows is None]
        pairs = pl.concat([_NO_PAIRS, *(_pairs(at, each.rows) for at, each in enumerate(found))])
        pairs = pairs.sort("row", "rule")
        if self.findings.rejects is None:
            pairs = pairs.head(MOST_KEPT)
        places, last, place = self._places(pairs["row"].unique().sort().to_list()), -1, None
        for row, at in pairs.iter_rows():
            if row != last:
                last, place = row, next(places)
            problems.append(self._problem(found[at], place))
            if len(problems) >= MOST_KEPT:  # all of them may not have room in memory
                self.findings.add([each for each in problems if each is not None])
                problems = []
        self.findings.add([each for each in problems if each is not None])

    def _problem(self, broken: Broken, place: Place | None) -> Problem | None:
        rule = broken.rule
        value = None
        if place is not None and rule.columns:
            texts = [place.cells.get(name) for name in rule.columns]
            value = texts[0] if len(texts) == 1 else ", ".join(each or "" for each in texts)
            broken.tally.show(value)
        if rule.is_warning:
            return None
        return Problem(
            rule.code,
            rule.reason,
            file=self.file,
            line=place.line if place else None,
            row=place.row if place else None,
            column=rule.column,
            value=value,
            rule=rule.name,
            record=place.record if place else None,
        )

    def _places(self, rows: list[int]) -> Iterator[Place]:
        """Return where rows are, which are given by their index at the target, in order."""
        wanted, begin, at = dict[int, list[int]](), 0, 0
        for number, note in enumerate(self._notes):
            end = begin + note.right_count
            first = at
            while at < len(rows) and rows[at] < end:
                at += 1
            if at > first:
                wanted[number] = note.indexes([row - begin for row in rows[first:at]])
            begin = end
        return self.source.places(self.layout, self.batch_size, wanted) if wanted else iter(())

    def _take_out(self, path: Path, wrong: pl.Series) -> None:
        """Write the target again without some rows."""
        left = path.with_name(f"{path.stem}-left{path.suffix}")
        try:
            with ParquetSink(left, self.layout.dtypes) as sink:
                for begin in range(0, self.row_count, self.batch_size):
                    frame = scan(path).slice(begin, self.batch_size).collect()
                    here = wrong.filter((wrong >= begin) & (wrong < begin + frame.height)) - begin
                    sink.put(without(frame, here))
            os.replace(left, path)
        except BaseException:
            left.unlink(missing_ok=True)
            raise
        self.row_count -= wrong.len()
