"""Identities: which id each source key has, and by what one can tell that its row has changed.

One table of columns:

``source_key``, ``canonical_id``
    The key of a row with its namespace, and the UUID that it keeps for ever.
``last_changed_date``, ``update_dates``
    When the row was new or changed last, and all days when it was.
``{group}_hash``, ``{group}_fields``
    For each hash group the digest of the row, and the number of the list of columns that this was
    made of. The lists are beside the table: a row is compared over the columns it was kept with,
    so that a new column makes no row look changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.errors import IdentityError
from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["CANONICAL_ID", "KEY", "LAST_CHANGED", "UPDATES", "Identities", "fields_of", "hash_of"]

KEY, CANONICAL_ID = "source_key", "canonical_id"
LAST_CHANGED, UPDATES = "last_changed_date", "update_dates"
_HASH, _FIELDS = "_hash", "_fields"
_SCHEMA = {
    KEY: pl.String(),
    CANONICAL_ID: pl.String(),
    LAST_CHANGED: pl.Date(),
    UPDATES: pl.List(pl.Date()),
}
_SHOWN = 5


def hash_of(group: str) -> str:
    """Return the name of the column with the digests of a hash group."""
    return f"{group}{_HASH}"


def fields_of(group: str) -> str:
    """Return the name of the column that says which list of columns each digest was made of."""
    return f"{group}{_FIELDS}"


@frozen(eq=False)
class Identities:
    """What is known of some keys: all of a store, or what one call adds to it.

    Attributes
    ----------
    rows
        The table, each key once. In what a call adds a null stands for what it leaves as it is.
    field_lists
        The lists of columns that digests were made of.
    """

    rows: pl.DataFrame
    field_lists: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def none(cls) -> Identities:
        """Return those of a store that is not there yet."""
        return cls(pl.DataFrame(schema=_SCHEMA))

    @property
    def groups(self) -> list[str]:
        """The hash groups that there are digests for."""
        names = (name for name in self.rows.columns if name.endswith(_HASH))
        return [name.removesuffix(_HASH) for name in names]

    def of(self, keys: pl.Series, groups: Iterable[str]) -> pl.DataFrame:
        """Return id and digests for each of *keys*, in their order; nulls for what is not known."""
        rows = self.rows
        if keys.len() * 2 < rows.height:  # a join makes a table of all that is on its right
            rows = rows.join(keys.alias(KEY).to_frame(), on=KEY, how="semi")
        rows = _with_groups(rows, groups)
        wanted = [name for group in groups for name in (hash_of(group), fields_of(group))]
        table = rows.select(KEY, CANONICAL_ID, *wanted)
        return keys.alias(KEY).to_frame().join(table, on=KEY, how="left", maintain_order="left")

    def with_changes(self, changes: Identities) -> Identities:
        """Return these identities with what a call adds to them.

        Raises
        ------
        IdentityError
            If a key has another id here: someone else gave it one at the same time.
        """
        if self.rows.is_empty():
            return changes
        lists, changes = _numbered(self.field_lists, changes)
        groups = sorted({*self.groups, *changes.groups})
        here, new = _with_groups(self.rows, groups), _with_groups(changes.rows, groups)
        rest, there = _parted(here, new[KEY])
        if there.is_empty():
            return Identities(pl.concat([here, new.select(here.columns)]), lists)
        before = new.select(KEY).join(there, on=KEY, how="left", maintain_order="left")
        _refuse_other_ids(before, new)
        merged = pl.concat([before, new.select(pl.all().name.prefix("+"))], how="horizontal")
        changed = merged.select(
            KEY,
            pl.col(f"+{CANONICAL_ID}").alias(CANONICAL_ID),
            pl.max_horizontal(LAST_CHANGED, f"+{LAST_CHANGED}").alias(LAST_CHANGED),
            _both(UPDATES).alias(UPDATES),
            *(
                pl.coalesce(f"+{name}", name).alias(name)
                for group in groups
                for name in (hash_of(group), fields_of(group))
            ),
        )
        return Identities(pl.concat([rest, changed.select(rest.columns)]), lists)


def _parted(rows: pl.DataFrame, keys: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of all other keys, and those of these.

    A semi join looks for each row among *keys*, which are few; an anti join of the whole table, or
    one the other way round, takes twice as long.
    """
    numbered = rows.select(KEY).with_row_index()
    at = numbered.join(keys.to_frame(), on=KEY, how="semi")["index"]
    is_there = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True).scatter(at, True)
    return rows.filter(~is_there), rows.filter(is_there)


def _with_groups(rows: pl.DataFrame, groups: Iterable[str]) -> pl.DataFrame:
    """Return a table that has the columns of all *groups*, with nulls where it had none."""
    wanted = {name: dtype for group in groups for name, dtype in _columns_of(group).items()}
    return rows.with_columns(
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in wanted.items()
        if name not in rows.columns
    )


def _columns_of(group: str) -> dict[str, pl.DataType]:
    return {hash_of(group): pl.Binary(), fields_of(group): pl.UInt16()}


def _numbered(
    lists: tuple[tuple[str, ...], ...], changes: Identities
) -> tuple[tuple[tuple[str, ...], ...], Identities]:
    """Return all lists of columns, and changes that number theirs among these."""
    new = (each for each in changes.field_lists if each not in lists)
    together = (*lists, *new)
    if together[: len(changes.field_lists)] == changes.field_lists:
        return together, changes
    numbers: Sequence[int] = [together.index(each) for each in changes.field_lists]
    places = pl.lit(pl.Series(numbers, dtype=pl.UInt16))
    rows = changes.rows.with_columns(
        places.gather(pl.col(fields_of(group))).alias(fields_of(group)) for group in changes.groups
    )
    return together, Identities(rows, together)


def _both(name: str) -> pl.Expr:
    """Return the dates of both sides, each once and in order."""
    added = pl.col(f"+{name}")
    return pl.concat_list(pl.col(name).fill_null([]), added.fill_null([])).list.unique().list.sort()


def _refuse_other_ids(before: pl.DataFrame, new: pl.DataFrame) -> None:
    is_other = (before[CANONICAL_ID] != new[CANONICAL_ID]).fill_null(value=False)
    if is_other.any():
        keys = new.filter(is_other)[KEY]
        shown = ", ".join(f'"{key}"' for key in keys.head(_SHOWN))
        count = "1 key" if keys.len() == 1 else f"{keys.len():,} keys"
        more = ", …" if keys.len() > _SHOWN else ""
        raise IdentityError(f"{count} got an id in another run meanwhile: {shown}{more}")
