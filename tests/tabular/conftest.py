"""Small ingested files for tests of what is done with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pypedream.tabular.astro_file import AstroFile, AstroFileSpec

pl = pytest.importorskip("polars")


class Schools(AstroFileSpec):
    ingest_name = "schools"


@pytest.fixture
def schools(tmp_path: Path) -> AstroFile:
    """A file of five rows in a run of its own."""
    path = tmp_path / "ab12c" / "ingested" / "schools.parquet"
    path.parent.mkdir(parents=True)
    frame = pl.DataFrame({"id": ["01", "02", "03", "04", "05"], "pupils": [10, None, 30, 40, 50]})
    frame.write_parquet(path)
    return AstroFile.hydrate(spec=Schools, ingest_record=None, run_directory=tmp_path / "ab12c")
