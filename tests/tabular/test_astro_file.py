from __future__ import annotations

import os

import pytest

from pypedream.errors import PathOutsideRun
from pypedream.tabular.astro_file import AstroFile, AstroFileSpec

pl = pytest.importorskip("polars")


def ids(file):
    return file.load()["id"].to_list()


def test_a_file_is_read_whole_or_lazily(schools):
    """After ingest it is the ingested Parquet file."""
    assert schools.active_path == schools.run_directory / "ingested" / "schools.parquet"
    assert schools.load().shape == (5, 2)
    assert schools.scan().collect().equals(schools.load())
    assert schools.row_count() == 5
    assert repr(schools) == "<AstroFile 'schools': 5 rows in ingested/schools.parquet>"


@pytest.mark.parametrize("spec", [None, AstroFileSpec], ids=["nothing", "a class without a name"])
def test_a_file_has_a_name(tmp_path, spec):
    """What names none is refused in a line."""
    with pytest.raises(TypeError, match=r"^spec= names a file, by ingest_name = .* names none$"):
        AstroFile.hydrate(spec=spec, ingest_record=None, run_directory=tmp_path)


def test_a_file_that_is_not_there_has_no_rows(schools):
    """It can be asked, as before anything was written."""
    schools.active_path.unlink()

    assert schools.row_count() == 0


@pytest.mark.parametrize("size, heights", [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (7, [5])])
def test_batches_are_all_rows_in_order(schools, size, heights):
    """Each has the rows that were asked for, but the last."""
    batches = list(schools.iter_batches(size))

    assert [batch.height for batch in batches] == heights
    assert pl.concat(batches).equals(schools.load())
    assert os.listdir(schools.run_directory) == ["ingested"]


def test_batches_of_a_long_file_are_those_of_its_rows(schools, monkeypatch):
    """However many rows are read at a time."""
    monkeypatch.setattr("pypedream.tabular.parquet_files.ROW_GROUP_ROWS", 3)

    assert [batch["id"].to_list() for batch in schools.iter_batches(2)] == [
        ["01", "02"],
        ["03", "04"],
        ["05"],
    ]
    assert [batch.height for batch in schools.iter_batches(5)] == [5]


def test_batches_are_of_the_version_that_was_there_when_they_began(schools, monkeypatch):
    """What is saved meanwhile is for the next who reads."""
    monkeypatch.setattr("pypedream.tabular.parquet_files.ROW_GROUP_ROWS", 2)
    batches = schools.iter_batches(2)
    first = next(batches)

    schools.save_in_place(first)

    assert sum(batch.height for batch in batches) == 3
    assert schools.row_count() == 2


def test_a_batch_has_a_row_at_least(schools):
    """It is said at once, and not when the first is read."""
    for size in (0, 2.5, "2"):
        with pytest.raises(ValueError, match=f"batch_size={size!r}: a batch has 1 row or more"):
            schools.iter_batches(size)


def test_a_lazy_frame_may_be_saved_to_the_file_that_it_reads(schools):
    """With each of the three ways to save one."""
    schools.save_in_place_lazy(schools.scan().head(4))
    assert ids(schools) == ["01", "02", "03", "04"]
    schools.sink(schools.scan().tail(3), row_group_size=1)
    assert ids(schools) == ["02", "03", "04"]
    schools.save_to_lazy("out", "s.parquet", schools.scan().tail(2))
    schools.save_to_lazy("out", "s.parquet", schools.scan().tail(1))

    assert ids(schools) == ["04"]
    assert schools.active_path == schools.run_directory / "out" / "s.parquet"


def test_what_is_saved_elsewhere_is_active_and_the_ingested_file_stays(schools):
    """Until something is saved in place, which ends in the ingested file again."""
    schools.save_to("out/deep", "s.parquet", schools.load().head(2))
    assert (schools.row_count(), schools.active_path.name) == (2, "s.parquet")
    schools.sink(schools.scan().head(1))
    assert schools.active_path.parent.name == "deep"

    schools.save_in_place(schools.load())

    assert schools.active_path == schools.run_directory / "ingested" / "schools.parquet"
    assert schools.row_count() == 1


def test_a_save_that_fails_leaves_what_was_there(schools):
    """And no part of a file beside it."""
    broken = schools.scan().select(pl.col("id").cast(pl.Int8, strict=True), pl.col("nothing"))

    with pytest.raises(pl.exceptions.PolarsError):
        schools.save_in_place_lazy(broken)

    assert schools.row_count() == 5
    assert os.listdir(schools.active_path.parent) == ["schools.parquet"]
    assert not schools.has_saved


@pytest.mark.parametrize(
    "folder, name",
    [
        ("..", "x.parquet"),
        ("out/../..", "x"),
        ("/tmp", "x"),
        ("out", "/tmp/x"),
        ("out", ""),
        ("", "manifest.json"),
        ("snapshots/tidy", "x"),
        ("ingested", "others.parquet"),
        ("Identities", "schools"),
        ("rejects", "schools.csv"),
        ("", "report.html"),
        ("out", ".tmp-x.parquet"),
        ("link", "x"),
    ],
)
def test_a_step_writes_only_within_its_run(schools, tmp_path, folder, name):
    """And not where pypedream keeps its own; nothing is written then."""
    (schools.run_directory / "link").symlink_to(tmp_path)

    with pytest.raises(PathOutsideRun, match="is no place for a file of a step"):
        schools.save_to(folder, name, schools.load())

    assert not schools.has_saved


def test_a_path_is_active_when_its_file_is_there(schools):
    """So a step may write it in its own way."""
    path = schools.output_path("out", "own.parquet")
    with pytest.raises(FileNotFoundError, match="write it before it is made active"):
        schools.set_active_path(path)
    path.parent.mkdir()
    schools.load().head(1).write_parquet(path)

    schools.set_active_path(path)

    assert (schools.row_count(), schools.is_ours, schools.has_saved) == (1, False, True)


@pytest.mark.parametrize("given", [(None, "x.parquet"), ("out", 5)], ids=["folder", "name"])
def test_a_place_is_given_before_the_frame(schools, given):
    """As texts, and so a frame in their place is told."""
    with pytest.raises(TypeError, match="a folder and a name come first, as texts, not a "):
        schools.save_to(*given, schools.load())
    with pytest.raises(TypeError, match="not a polars DataFrame"):
        schools.save_to(schools.load(), "out", "x.parquet")


def test_a_file_of_another_kind_cannot_be_active(schools):
    """It is told before a later step fails at it."""
    path = schools.run_directory / "own.csv"
    path.write_text("id\n1\n")

    with pytest.raises(ValueError, match=r"own\.csv is no file of Parquet: write it with"):
        schools.set_active_path(path)

    assert schools.row_count() == 5


def test_a_frame_of_another_kind_is_refused(schools):
    """The message has the method to call."""
    with pytest.raises(TypeError, match=r"not a polars LazyFrame; .* with _lazy"):
        schools.save_in_place(schools.scan())
    with pytest.raises(TypeError, match="a polars LazyFrame can be saved so, not a polars"):
        schools.save_in_place_lazy(schools.load())


def test_a_large_file_has_more_bytes_than_the_threshold(schools):
    """As many are not more."""
    size = schools.active_path.stat().st_size
    own = (schools.spec, None, schools.run_directory, schools.active_path)

    assert not AstroFile(*own, size).is_large_file()
    assert AstroFile(*own, size - 1).is_large_file()
