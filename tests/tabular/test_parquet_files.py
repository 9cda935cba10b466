"""Files of Parquet: in folders with any name, and a group of rows after the other."""

from __future__ import annotations

import pytest

from pypedream.tabular import CanonicalIdResolver, IngestFileSpec, parquet_files, parquet_sink
from tests.tabular.tables import RUN_DATE, pa, pipeline_of, values

pl = pytest.importorskip("polars")

SCHEMA = pa.DataFrameSchema(
    {"id": pa.Column(str), "n": pa.Column(int, pa.Check(lambda _: True), unique=True)}
)
SPEC = IngestFileSpec("a", "a.csv", SCHEMA, on_error="quarantine")
ROWS = {"a1": "i,50\n", "a[1]": "i,1\ni,2\ni,3\nj,3\ni,4\ni,9\n"}


def configure(self):
    self.add_filter("Large", pl.col("n") > 5, ["a"])
    self.add_filter("Small", lambda table: table.filter(pl.col("n") < 2), ["a"])
    self.add_step("Other", other, ["a"])
    self.add_step("Last", lambda ctx, files: files[0].save_in_place(files[0].load()), ["a"])


def other(ctx, files):
    """Use each way to read and to write."""
    (file,) = files
    ctx.quarantine.quarantine_rows(file, file.load().head(1), reason="first")
    ids = CanonicalIdResolver(ctx.pipeline_dir, "ids", {"any": "*all"})
    key = {"source_key_column": "n", "namespace": "x", "run_date": ctx.run_date}
    found = ids.resolve(pl.concat(file.iter_batches(2)), **key)
    file.save_to("out[1]", "a[1].parquet", found)
    file.sink(file.scan().select("n").slice(1))


@pytest.mark.parametrize("way", ["queue", "parts"])
def test_a_folder_may_have_the_name_of_a_pattern(tmp_path, monkeypatch, way):
    """What is in one that the pattern means is not taken for what is in it."""
    if way == "parts":
        monkeypatch.setattr(parquet_sink, "_can_be_asked_for", lambda _: False)
    homes = {}
    for name, rows in ROWS.items():
        source = tmp_path / name / "data"
        source.mkdir(parents=True)
        (source / "a.csv").write_text(f"id,n\n{rows}")
        tables = pipeline_of(source.parent, configure, ingest_files=[SPEC])
        homes[name] = source.parent / ".working" / tables.ingest(source, run_date=RUN_DATE).run_id
    homes["a1"].rename(homes["a1"].with_name(homes["a[1]"].name))

    tables.run()

    assert values(tables) == [4]
    assert str(tables.report().ledgers[0]).splitlines() == [
        "a: 6 rows in the source, 1 now",
        "  ingest: 6 -> 4, 2 rejected",
        "  large: 4 -> 3, 1 filtered",
        "  small: 3 -> 2, 1 filtered",
        "  other: 2 -> 1, 1 quarantined: first",
        "  last: 1 -> 1",
    ]


@pytest.mark.parametrize(
    "text, heights", [("a", [3, 3, 6, 6, 2]), ("a" * 500, [3, 3, 3, 3, 3, 3, 2])]
)
def test_narrow_rows_have_larger_groups(tmp_path, monkeypatch, text, heights):
    """They are written and read in less time then; of wide ones memory would hold too much."""
    monkeypatch.setattr(parquet_files, "ROW_GROUP_ROWS", 3)
    frame = pl.DataFrame({"n": range(20), "t": [f"{text}{n}" for n in range(20)]})
    with parquet_sink.ParquetSink(tmp_path / "x.parquet", frame.schema) as sink:
        sink.put(frame)

    found = list(parquet_files.slabs(tmp_path / "x.parquet"))

    assert pl.concat(found).equals(frame)
    assert [slab.height for slab in found] == heights
    assert parquet_files.group_rows(frame) == max(heights)
