"""Digests of rows: by what one can tell that a row says what it said before.

A digest is the first half of the SHA-256 of a row's text: 16 bytes, which take half the room of the
whole and are as unlike as anybody needs. It depends on nothing but the values.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pypedream.tabular.canonical import canonical_texts, one_text
from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["SIZE_BYTES", "RowDigests"]

SIZE_BYTES = 16
_ROWS_AT_ONCE = 50_000  # as objects of Python they take ten times the room


class RowDigests:
    """The digests of the rows of a frame; the texts of its columns are made once.

    Parameters
    ----------
    names
        All columns that any digest is asked for; one that is not in *frame* counts as blank.
    """

    def __init__(self, frame: pl.DataFrame, names: Iterable[str]) -> None:
        self._texts = canonical_texts(frame, sorted(set(names)))

    def of(self, names: Sequence[str], where: pl.Series | None = None) -> pl.Series:
        """Return a digest for each row.

        Parameters
        ----------
        names
            The columns that it is made of; another order gives other digests.
        where
            Which rows are wanted; None wants all. The others are left out.
        """
        texts = self._texts if where is None else self._texts.filter(where)
        rows = texts.select(one_text(names).cast(pl.Binary)).to_series()
        made = [
            _digests(rows.slice(start, _ROWS_AT_ONCE))
            for start in range(0, rows.len(), _ROWS_AT_ONCE)
        ]
        return pl.concat(made) if made else pl.Series(dtype=pl.Binary)


def _digests(rows: pl.Series) -> pl.Series:
    made = [sha256(row).digest()[:SIZE_BYTES] for row in rows.to_list()]
    return pl.Series(made, dtype=pl.Binary)
