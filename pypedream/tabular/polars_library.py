"""polars, or what says how to install it; modules that cannot do without it take it from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
else:
    from pypedream._extras import need

    pl = need("polars", extra="tabular", for_="pypedream.tabular")

__all__ = ["pl"]
