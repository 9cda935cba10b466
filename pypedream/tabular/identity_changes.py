"""Comparing: which rows are new and which have changed, and what of that is to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, define, frozen

from pypedream.tabular.identities import (
    CANONICAL_ID,
    KEY,
    LAST_CHANGED,
    UPDATES,
    Identities,
    fields_of,
    hash_of,
)
from pypedream.tabular.polars_library import pl
from pypedream.tabular.row_digests import RowDigests
from pypedream.tabular.row_masks import spread
from pypedream.tabular.uuids import new_uuids

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["STATUS", "OtherColumns", "Resolution", "changed_of", "resolution"]

NEW, UNCHANGED, CHANGED = "NEW", "UNCHANGED", "CHANGED"
STATUS = "status"


def changed_of(group: str) -> str:
    """Return the name of the column that says whether a hash group of a row has changed."""
    return f"{group}_changed"


@frozen
class OtherColumns:
    """A hash group is made of other columns than some rows were kept with.

    Attributes
    ----------
    new
        Columns that those rows were not compared by.
    gone
        Columns that are not in the data any more; they count as blank.
    """

    group: str
    new: tuple[str, ...]
    gone: tuple[str, ...]


@frozen(eq=False)
class Resolution:
    """What came of comparing some rows with what is known.

    Attributes
    ----------
    columns
        Id, status and a flag for each group; a row for each row of the data.
    changes
        What is to be kept of it.
    other_columns
        What to tell the user about groups.
    """

    columns: pl.DataFrame
    changes: Identities
    other_columns: tuple[OtherColumns, ...]


@frozen(eq=False)
class _Compared:
    """One group of all rows.

    Attributes
    ----------
    is_same
        Where a row is compared over the columns of today, and is what it was.
    is_changed
        Where it differs from what was kept.
    is_kept
        Where a digest is to be kept: of these, *digests* has it.
    """

    is_same: pl.Series
    is_changed: pl.Series
    is_kept: pl.Series
    digests: pl.Series


@define(eq=False)
class _Comparison:
    """The rows of one call against what is known of their keys.

    Groups with more columns are compared first: what is the same over all of these is the same
    over some, so that no digest is needed there.
    """

    data: pl.DataFrame
    known: pl.DataFrame
    base: Identities
    groups: Mapping[str, tuple[str, ...]]
    compared: dict[str, _Compared] = Factory(dict)
    other_columns: list[OtherColumns] = Factory(list)

    def run(self) -> None:
        earlier = {
            group: [
                self.base.field_lists[number]
                for number in self.known[fields_of(group)].unique().drop_nulls().sort()
                if self.base.field_lists[number] != fields
            ]
            for group, fields in self.groups.items()
        }
        lists = [*self.groups.values(), *(each for lists in earlier.values() for each in lists)]
        digests = RowDigests(self.data, (name for fields in lists for name in fields))
        for group in sorted(self.groups, key=lambda group: -len(self.groups[group])):
            self.compared[group] = self._compared(group, digests, earlier[group])
            self._tell(group, earlier[group])

    def _compared(
        self, group: str, digests: RowDigests, earlier: list[tuple[str, ...]]
    ) -> _Compared:
        kept, numbers = self.known[hash_of(group)], self.known[fields_of(group)]
        fields = self.groups[group]
        is_current = _is(numbers, self.base, fields)
        is_settled = is_current & self._is_same_within_another(fields)
        made = spread(digests.of(fields, ~is_settled), ~is_settled)
        is_changed = _differ(made, kept) & is_current
        for each in earlier:
            where = _is(numbers, self.base, each)
            is_changed |= where & _differ(spread(digests.of(each, where), where), kept)
        is_kept = ~is_settled & (is_changed | ~is_current)
        return _Compared(is_current & ~is_changed, is_changed, is_kept, made)

    def _is_same_within_another(self, fields: tuple[str, ...]) -> pl.Series:
        """Say where a row is the same over columns that *fields* are some of."""
        nowhere = pl.repeat(False, self.data.height, dtype=pl.Boolean, eager=True)
        found = (
            done.is_same
            for group, done in self.compared.items()
            if set(fields) <= set(self.groups[group])
        )
        return next(found, nowhere)

    def _tell(self, group: str, earlier: list[tuple[str, ...]]) -> None:
        for before in earlier:
            new = tuple(name for name in self.groups[group] if name not in before)
            gone = tuple(name for name in before if name not in self.data.columns)
            self.other_columns.append(OtherColumns(group, new, gone))


def resolution(
    data: pl.DataFrame,
    keys: pl.Series,
    groups: Mapping[str, tuple[str, ...]],
    *,
    base: Identities,
    given: pl.DataFrame,
    run_date: date,
) -> Resolution:
    """Compare rows with what is known of their keys.

    Parameters
    ----------
    keys
        The key of each row with its namespace.
    groups
        The columns of each hash group.
    base
        What is known.
    given
        Keys that got an id since, with these ids: they are new in this run and keep it.
    """
    comparison = _Comparison(data, base.of(keys, groups), base, groups)
    comparison.run()
    is_new = comparison.known[CANONICAL_ID].is_null()
    ids = _with_new_ids(keys, comparison.known[CANONICAL_ID], given)
    compared = {group: comparison.compared[group] for group in groups}
    flags = {changed_of(group): is_new | done.is_changed for group, done in compared.items()}
    is_changed = pl.select(pl.any_horizontal(*flags.values())).to_series()
    word = pl.when(is_new).then(pl.lit(NEW)).when(is_changed).then(pl.lit(CHANGED))
    status = pl.select(word.otherwise(pl.lit(UNCHANGED)).alias(STATUS)).to_series()
    columns = pl.DataFrame({CANONICAL_ID: ids, STATUS: status, **flags})
    changes = _changes(keys, columns, compared, groups, run_date)
    return Resolution(columns, changes, tuple(comparison.other_columns))


def _is(numbers: pl.Series, base: Identities, fields: tuple[str, ...]) -> pl.Series:
    """Say where a digest was made of *fields*."""
    if fields not in base.field_lists:
        return pl.repeat(False, numbers.len(), dtype=pl.Boolean, eager=True)
    return (numbers == base.field_lists.index(fields)).fill_null(value=False)


def _differ(made: pl.Series, kept: pl.Series) -> pl.Series:
    return (made != kept).fill_null(value=False)


def _with_new_ids(keys: pl.Series, ids: pl.Series, given: pl.DataFrame) -> pl.Series:
    """Return an id for each key: the one it has, one it got in this run, or a new one."""
    if not given.is_empty():
        table = keys.alias(KEY).to_frame().join(given, on=KEY, how="left", maintain_order="left")
        ids = pl.select(pl.coalesce(pl.lit(ids), pl.lit(table[CANONICAL_ID]))).to_series()
    is_without = ids.is_null()
    wanted = keys.filter(is_without)
    new = new_uuids(wanted.n_unique())
    if new.len() < wanted.len():
        once = wanted.unique(maintain_order=True)
        table = pl.DataFrame({KEY: once, CANONICAL_ID: new})
        new = (
            wanted.alias(KEY)
            .to_frame()
            .join(table, on=KEY, how="left", maintain_order="left")[CANONICAL_ID]
        )
    new = spread(new, is_without)
    return pl.select(pl.coalesce(pl.lit(ids), pl.lit(new)).alias(CANONICAL_ID)).to_series()


def _changes(
    keys: pl.Series,
    columns: pl.DataFrame,
    compared: Mapping[str, _Compared],
    groups: Mapping[str, tuple[str, ...]],
    run_date: date,
) -> Identities:
    """Return what is to be kept: of rows that are as they were, nothing."""
    lists = tuple(dict.fromkeys(groups.values()))
    table = columns.select(
        pl.lit(keys).alias(KEY),
        CANONICAL_ID,
        pl.when(pl.col(STATUS) != UNCHANGED).then(pl.lit(run_date)).alias(LAST_CHANGED),
        *(
            column
            for group, done in compared.items()
            for column in (
                pl.when(done.is_kept).then(pl.lit(done.digests)).alias(hash_of(group)),
                pl.when(done.is_kept)
                .then(pl.lit(lists.index(groups[group]), dtype=pl.UInt16))
                .alias(fields_of(group)),
            )
        ),
    )
    is_kept = pl.select(pl.any_horizontal(*(done.is_kept for done in compared.values())))
    is_dated = table[LAST_CHANGED].is_not_null()
    kept = table.filter(is_kept.to_series() | is_dated)
    if kept[KEY].n_unique() < kept.height:
        kept = kept.unique(KEY, keep="first", maintain_order=True)
    dates = pl.when(pl.col(LAST_CHANGED).is_null()).then(pl.lit([], dtype=pl.List(pl.Date)))
    kept = kept.with_columns(dates.otherwise(pl.concat_list(LAST_CHANGED)).alias(UPDATES))
    named = [name for group in groups for name in (hash_of(group), fields_of(group))]
    return Identities(kept.select(KEY, CANONICAL_ID, LAST_CHANGED, UPDATES, *named), lists)
