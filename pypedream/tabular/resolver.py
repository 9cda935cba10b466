"""Stable ids: a row keeps its UUID from delivery to delivery, and tells what has changed in it."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from pypedream.log.logger import logger
from pypedream.tabular.identities import CANONICAL_ID, KEY, LAST_CHANGED
from pypedream.tabular.identity_changes import Resolution, resolution
from pypedream.tabular.identity_checks import (
    ALL,
    check_call,
    check_definition,
    check_frame,
    check_keys,
    check_kinds,
    check_rows,
)
from pypedream.tabular.identity_stage import known_identities, updating
from pypedream.tabular.identity_store import store_path
from pypedream.tabular.polars_library import pl

__all__ = ["CanonicalIdResolver"]

_NOTHING: frozenset[str] = frozenset()


class CanonicalIdResolver:
    """Give rows ids that stay, and tell which rows are new or have changed.

    What is known is kept in ``{pipeline_dir}/.persistent/{name}.parquet``. In a step of a run it is
    added to when the run has succeeded: a step that is called again says the same as before.
    Anywhere else it is added to at once.

    Parameters
    ----------
    pipeline_dir
        The folder of the pipeline.
    name
        The name of the store. Resolvers with other groups may use the same store.
    hash_groups
        From the name of a group to the columns that are watched together; ``"*all"`` stands for all
        but the key. A group that comes later counts changes from then on, and so does a column
        that comes into a group: neither makes a row look changed.

    Raises
    ------
    IdentityError
        If the name cannot be that of a file, or a group has no columns.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import date
    >>> from tempfile import mkdtemp
    >>> schools = CanonicalIdResolver(
    ...     mkdtemp(), "schools", {"all": "*all", "address": ["town", "postcode"]}
    ... )
    >>> first = pl.DataFrame(
    ...     [["1", "Leeds", "LS1", 9], ["2", "York", "YO1", 8]],
    ...     schema=["urn", "town", "postcode", "pupils"],
    ...     orient="row",
    ... )
    >>> january = schools.resolve(
    ...     first, source_key_column="urn", namespace="gias", run_date=date(2026, 1, 5)
    ... )
    >>> february = schools.resolve(
    ...     first.with_columns(pupils=pl.Series([9, 7])),
    ...     source_key_column="urn", namespace="gias", run_date=date(2026, 2, 2),
    ... )
    >>> february.select("urn", "status", "all_changed", "address_changed").rows()
    [('1', 'UNCHANGED', False, False), ('2', 'CHANGED', True, False)]
    >>> january["canonical_id"].equals(february["canonical_id"])
    True
    """

    def __init__(
        self,
        pipeline_dir: Path,
        name: str,
        hash_groups: dict[str, list[str] | Literal["*all"]],
    ) -> None:
        check_definition(name, hash_groups)
        self.pipeline_dir = Path(pipeline_dir)
        self.name = name
        self.hash_groups = dict(hash_groups)

    def __repr__(self) -> str:
        return f"<identities {self.name!r} in {self.store_path}>"

    @property
    def store_path(self) -> Path:
        """The file that holds the ids, or will hold them."""
        return store_path(self.pipeline_dir, self.name)

    def resolve(
        self,
        data: pl.DataFrame,
        *,
        source_key_column: str,
        namespace: str,
        run_date: date,
        exclude_columns: frozenset[str] = _NOTHING,
    ) -> pl.DataFrame:
        """Give each row its id, and say what has changed since it was last seen.

        A null and a blank text are the same, and so are ``5``, ``5.0`` and ``"5"``: a column may
        change its type. Rows of one key are one thing; they must say the same.

        Parameters
        ----------
        data
            The rows; they may be some of a delivery, and the next call has others.
        source_key_column
            The column with the keys of the source: texts or integers, none of them blank.
        namespace
            Whose keys they are: "7" of one source is not "7" of another. Kept as
            ``{namespace}:{key}``.
        run_date
            The day that is noted for rows that are new or changed.
        exclude_columns
            Columns that ``"*all"`` does not stand for, such as the time of the delivery.

        Returns
        -------
        The rows, in their order, with three kinds of columns more: ``canonical_id`` (a UUID as
        text), ``status`` ("NEW", "UNCHANGED", "CHANGED") and for each group ``{group}_changed``.
        All groups of a new row are changed.

        Raises
        ------
        IdentityError
            If a key is blank or is that of two rows that differ, a column is missing or would be
            overwritten. Nothing is kept then.
        TypeError
            If *data* is no frame of polars, *run_date* no date or *exclude_columns* no set.
        StoreError
            If the store cannot be read or written.
        """
        check_frame(data)
        check_kinds(source_key_column, run_date, exclude_columns)
        left_out = frozenset(exclude_columns)
        groups = self._groups(data, {source_key_column, *left_out})
        check_call(data, source_key_column, namespace, groups, left_out)
        check_keys(data[source_key_column])
        check_rows(data, source_key_column, groups)
        day = run_date.date() if isinstance(run_date, datetime) else run_date
        keys = _stored_keys(data[source_key_column], namespace)
        compare = partial(resolution, data, keys, groups)
        found = updating(
            self.store_path, lambda base, given: compare(base=base, given=given, run_date=day)
        )
        self._tell(found)
        return data.hstack(found.columns)

    def missing(
        self, data: pl.DataFrame, *, source_key_column: str, namespace: str
    ) -> pl.DataFrame:
        """Return what is known and is not in a whole delivery; nothing is kept of it.

        A row that comes back in a later delivery has its id still.

        Parameters
        ----------
        data
            All rows of the delivery; of them only the keys are looked at.

        Returns
        -------
        A row for each key: ``source_key`` without its namespace, as text, ``canonical_id`` and
        ``last_changed_date``, in the order of the keys.

        Raises
        ------
        IdentityError
            If the column is missing, or a key is blank.
        StoreError
            If the store cannot be read.
        """
        check_frame(data)
        check_call(data, source_key_column, namespace, {})
        check_keys(data[source_key_column])
        keys = _stored_keys(data[source_key_column], namespace).alias(KEY).to_frame()
        prefix = _prefix(namespace)
        rows = known_identities(self.store_path).rows
        ours = rows.filter(pl.col(KEY).str.starts_with(prefix)).join(keys, on=KEY, how="anti")
        key = pl.col(KEY).str.strip_prefix(prefix)
        return ours.select(key, CANONICAL_ID, LAST_CHANGED).sort(KEY)

    def _groups(self, data: pl.DataFrame, left_out: set[str]) -> dict[str, tuple[str, ...]]:
        """Return the columns of each group, in an order that nobody's list decides."""
        every = tuple(sorted(name for name in data.columns if name not in left_out))
        return {
            group: every if fields == ALL else tuple(sorted(set(fields)))
            for group, fields in self.hash_groups.items()
        }

    def _tell(self, found: Resolution) -> None:
        for each in found.other_columns:
            logger.warning(
                "a hash group has other columns than before",
                store=self.name,
                group=each.group,
                new=list(each.new),
                gone=list(each.gone),
            )


def _stored_keys(keys: pl.Series, namespace: str) -> pl.Series:
    """Return keys with their namespace; no two pairs of both give one text."""
    text = pl.concat_str(pl.lit(_prefix(namespace)), pl.col("key").cast(pl.String))
    return keys.alias("key").to_frame().select(text.alias("key")).to_series()


def _prefix(namespace: str) -> str:
    return namespace.replace("%", "%25").replace(":", "%3A") + ":"
