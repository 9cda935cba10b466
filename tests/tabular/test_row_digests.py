from __future__ import annotations

from hashlib import sha256

import polars as pl

from pypedream.tabular import row_digests
from pypedream.tabular.row_digests import SIZE_BYTES, RowDigests


def test_a_digest_is_the_half_of_a_sha256() -> None:
    """Anybody can make it anew from the texts of a row."""
    frame = pl.DataFrame({"town": ["Leeds", None], "pupils": [9, 10]})

    found = RowDigests(frame, ["town", "pupils"]).of(["pupils", "town"])

    expected = [sha256(row).digest()[:SIZE_BYTES] for row in (b"9\x1fLeeds", b"10\x1f")]
    assert found.to_list() == expected


def test_rows_are_taken_in_pieces(monkeypatch) -> None:
    """As objects of Python all rows at once would take much room; nobody sees the pieces."""
    frame = pl.DataFrame({"a": range(10)})
    whole = RowDigests(frame, ["a"]).of(["a"])

    monkeypatch.setattr(row_digests, "_ROWS_AT_ONCE", 3)

    assert RowDigests(frame, ["a"]).of(["a"]).equals(whole)
    assert RowDigests(frame.clear(), ["a"]).of(["a"]).dtype == pl.Binary


def test_only_some_rows_are_made() -> None:
    """Those where the mask is true."""
    digests = RowDigests(pl.DataFrame({"a": [1, 2, 3]}), ["a"])

    found = digests.of(["a"], pl.Series([False, True, True]))

    assert found.to_list() == digests.of(["a"]).to_list()[1:]
