"""Judging: which rows of a batch are right, and what is wrong with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field, frozen

from pypedream.tabular.casts import why_not
from pypedream.tabular.findings import Tally
from pypedream.tabular.polars_library import pl
from pypedream.tabular.problems import Problem
from pypedream.tabular.rules import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.tabular.batches import Batch, Place
    from pypedream.tabular.casts import Cast
    from pypedream.tabular.findings import Findings
    from pypedream.tabular.headers import Layout
    from pypedream.tabular.rules import Rule
    from pypedream.tabular.table_schema import ColumnSchema

__all__ = ["Judge"]


@frozen
class _Hit:
    """Rows that are not right, and by which rule."""

    rows: pl.Series
    column: str
    code: str
    reason: str
    rule: str
    tally: Tally
    is_warning: bool = False


@define
class Judge:
    """What looks at batches, one after the other.

    Attributes
    ----------
    file
        Name of the file, for problems.
    readable, types, ruled
        How the rules fared: that a row can be read, that a cell is of its dtype, and the others.
    """

    file: str
    layout: Layout
    rules: list[Rule]
    casts: Mapping[str, Cast]
    findings: Findings
    readable: Tally = field(factory=lambda: Tally("readable", None))
    types: dict[str, Tally] = field(init=False)
    ruled: list[Tally] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.types = {
            name: Tally(f"type {each.dtype}", name)
            for name, each in self.layout.kept.items()
            if not isinstance(each.dtype, pl.String)
        }
        self.ruled = [Tally(rule.name, rule.column) for rule in self.rules]

    def right_rows(self, batch: Batch) -> tuple[pl.DataFrame, pl.Series]:
        """Return the rows that come in, and the index of each one that does not."""
        self._count_types(batch)
        frame = completed(batch.frame, self.layout)
        hits = [*self._misfits(batch), *self._broken(frame, batch)]
        faults = list(batch.faults)
        self.readable.add(batch.row_count, len(faults))
        self.findings.counts.update(each.code for each in faults)
        self.findings.losses.update(each.code for each in faults)
        if not hits:
            if faults and self.findings.has_room:
                self.findings.add(faults)
            return frame, _NONE
        wrong = self._count(hits)
        if self.findings.has_room:
            self._tell(hits, faults, batch)
        return without(frame, wrong), wrong

    def _count_types(self, batch: Batch) -> None:
        for name, tally in self.types.items():
            failed = batch.misfits[name].len() if name in batch.misfits else 0
            given = batch.frame.height - batch.frame[name].null_count()
            tally.add(given + failed, failed)

    def _misfits(self, batch: Batch) -> list[_Hit]:
        found = []
        for name, rows in batch.misfits.items():
            found.append(_Hit(rows, name, "type", "", self.types[name].name, self.types[name]))
        return found

    def _broken(self, frame: pl.DataFrame, batch: Batch) -> list[_Hit]:
        """Evaluate all rules together, and those that some row breaks once more."""
        named = dict.fromkeys(rule.column for rule in self.rules)
        nulls = {name: frame[name].null_count() for name in named}
        frame = pl.DataFrame([frame[name].alias(plain(name)) for name in named])
        asked = {at: rule for at, rule in enumerate(self.rules) if not rule.is_of_nulls}
        sums = [rule.holds.not_().sum().alias(str(at)) for at, rule in asked.items()]
        counts = frame.select(sums).row(0, named=True) if sums else {}
        found = []
        for at, (rule, tally) in enumerate(zip(self.rules, self.ruled, strict=True)):
            null_count = nulls[rule.column]
            failed = counts.get(str(at), null_count)
            if failed:
                hit = self._hit(rule, tally, frame, batch.misfits.get(rule.column))
                failed = hit.rows.len()
                found += [hit] if failed else []
            tally.add(frame.height - null_count * rule.skips_null, failed)
        return found

    def _hit(
        self, rule: Rule, tally: Tally, frame: pl.DataFrame, misfits: pl.Series | None
    ) -> _Hit:
        """Return the rows that break a rule; a cell that is not of its dtype is not missing."""
        rows = frame.select(rule.holds.not_().arg_true()).to_series()
        if misfits is not None and rule.code == "blank":
            rows = difference(rows, misfits)
        return _Hit(rows, rule.column, rule.code, rule.reason, rule.name, tally, rule.is_warning)

    def _count(self, hits: list[_Hit]) -> pl.Series:
        """Return the rows that do not come in, each once, and count them."""
        wrong = _NONE
        for hit in hits:
            if not hit.is_warning:
                self.findings.counts[hit.code] += hit.rows.len()
                fresh = difference(hit.rows, wrong)
                self.findings.losses[hit.code] += fresh.len()
                wrong = pl.concat([wrong, fresh])
        return wrong.sort()

    def _tell(self, hits: list[_Hit], faults: list[Problem], batch: Batch) -> None:
        """Tell each problem, in the order of the rows and of the columns."""
        positions = {name: at for at, name in enumerate(self.layout.names)}
        told = [
            (index, positions.get(hit.column, -1), at)
            for at, hit in enumerate(hits)
            for index in hit.rows.to_list()
        ]
        problems = []
        for index, _, at in sorted(told):
            hit, place = hits[at], batch.place(index)
            hit.tally.show(place.cells.get(hit.column))
            if not hit.is_warning:
                problems.append(self._problem(hit, place))
        problems = sorted([*problems, *faults], key=lambda each: each.row or 0)
        self.findings.add(problems)

    def _problem(self, hit: _Hit, place: Place) -> Problem:
        value, reason = place.cells.get(hit.column), hit.reason
        if hit.code == "type":
            dtype = self.layout.kept[hit.column].dtype
            reason = why_not(value or "", dtype, self.casts.get(hit.column))
        return Problem(
            hit.code,
            reason,
            file=self.file,
            line=place.line,
            row=place.row,
            column=hit.column,
            value=value,
            rule=hit.rule,
            record=place.record,
        )


def completed(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Return a frame in which what is missing has the value that the schema gives."""
    filled = [
        _filled(frame[name], each) for name, each in layout.kept.items() if each.default is not None
    ]
    added = [
        pl.lit(each.default).cast(each.dtype).alias(name) for name, each in layout.added.items()
    ]
    return frame.with_columns(*filled, *added) if filled or added else frame


def _filled(cells: pl.Series, column: ColumnSchema) -> pl.Series:
    value = pl.lit(column.default).cast(column.dtype)
    filled = cells.to_frame("cell").select(pl.col("cell").fill_null(value))
    return filled.to_series().alias(cells.name)


def without(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Return a frame without some of its rows, which are given by index."""
    if not rows.len():
        return frame
    return frame.filter(pl.repeat(True, frame.height, eager=True).scatter(rows, False))


def difference(rows: pl.Series, others: pl.Series) -> pl.Series:
    """Return those of some rows that are not among others."""
    if not others.len():
        return rows.cast(pl.UInt32)
    left = pl.DataFrame({"row": rows.cast(pl.UInt32)})
    right = pl.DataFrame({"row": others.cast(pl.UInt32)})
    return left.join(right, on="row", how="anti").to_series()


_NONE = pl.Series("row", [], dtype=pl.UInt32)
