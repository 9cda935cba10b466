"""Small ingested files for tests of what is done with them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pypedream.tabular import AstroFile

# Without the extra "tabular" there is nothing to be tested but that it is asked for.
collect_ignore_glob = [] if find_spec("polars") and find_spec("pandera") else ["*"]


@pytest.fixture
def schools(tmp_path: Path) -> AstroFile:
    """A file of five rows in a run of its own."""
    import polars as pl

    from pypedream.tabular import AstroFile, AstroFileSpec

    class Schools(AstroFileSpec):
        ingest_name = "schools"

    path = tmp_path / "ab12c" / "ingested" / "schools.parquet"
    path.parent.mkdir(parents=True)
    frame = pl.DataFrame({"id": ["01", "02", "03", "04", "05"], "pupils": [10, None, 30, 40, 50]})
    frame.write_parquet(path)
    return AstroFile.hydrate(spec=Schools, ingest_record=None, run_directory=tmp_path / "ab12c")
