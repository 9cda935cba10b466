from __future__ import annotations

import math
from collections import Counter
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import FilterValidationError, MissingRows
from pypedream.tabular.astro_file import AstroFile, AstroFileSpec
from pypedream.tabular.filters import filter_file
from pypedream.tabular.row_matching import mask_of

pl = pytest.importorskip("polars")

FLOATS = st.sampled_from([None, 0.0, 1.5, float("nan"), float("inf")])
TEXTS = st.sampled_from([None, "", "a", "a\x00", "né"])
COUNTS = st.sampled_from([None, 0, 1, -(2**63)])
ROWS = st.lists(st.tuples(FLOATS, TEXTS, COUNTS), max_size=12)
SCHEMA = {"x": pl.Float64, "t": pl.String, "n": pl.Int64}


class Table(AstroFileSpec):
    ingest_name = "table"


def frame_of(rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def rows_of(frame):
    """Rows in which NaN is equal to itself."""
    return [
        tuple("nan" if isinstance(v, float) and math.isnan(v) else v for v in row)
        for row in frame.rows()
    ]


def bag(frame):
    """Rows and how often each is there."""
    return Counter(rows_of(frame))


def file_of(folder, frame):
    path = folder / "ingested" / "table.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return AstroFile.hydrate(spec=Table, ingest_record=None, run_directory=folder)


CONDITIONS = {
    "plain": pl.col("x") > 1,
    "of nulls": pl.col("t").is_null() | (pl.col("n") == 0),
    "never": pl.lit(value=False) & (pl.col("x") > 0),
    "of all rows": pl.struct("x", "t", "n").is_duplicated(),
    "null": pl.lit(None, pl.Boolean) & (pl.col("x") > 0),
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
@given(rows=ROWS)
def test_rows_that_stay_and_rows_that_go_are_all_that_there_were(tmp_path_factory, condition, rows):
    """By an expression: those go for which it is true, in order, and where it is null none."""
    folder, frame = tmp_path_factory.mktemp("run"), frame_of(rows)
    file, path = file_of(folder, frame), folder / "filtered" / "f" / "table.parquet"

    count = filter_file(file, condition, path)

    goes = frame.select(condition.fill_null(value=False).alias("g"))["g"]
    removed, kept = pl.read_parquet(path), file.load()
    assert removed.equals(frame.filter(goes), null_equal=True)
    assert bag(kept) + bag(removed) == bag(frame)
    assert kept.equals(frame.filter(~goes), null_equal=True)
    assert (count, kept.schema, removed.schema) == (removed.height, frame.schema, frame.schema)


@given(rows=ROWS, data=st.data())
def test_each_row_that_a_function_returns_is_taken_out_once(tmp_path_factory, rows, data):
    """However often it is there, and in whatever order they are returned."""
    folder, frame = tmp_path_factory.mktemp("run"), frame_of(rows)
    file, path = file_of(folder, frame), folder / "filtered" / "f" / "table.parquet"
    chosen = data.draw(st.permutations(range(len(rows))))[: data.draw(st.integers(0, len(rows)))]

    count = filter_file(file, lambda table: table[chosen].select("n", "x", "t"), path)

    removed, kept = pl.read_parquet(path), file.load()
    assert bag(removed) == bag(frame_of([rows[place] for place in chosen]))
    assert bag(kept) + bag(removed) == bag(frame)
    assert (count, kept.schema) == (len(chosen), frame.schema)


@given(rows=ROWS, data=st.data())
def test_rows_of_a_function_are_found_in_parts(tmp_path_factory, rows, data):
    """As a filter leaves them, in order, or in another one: those that stay are in theirs."""
    folder, frame = tmp_path_factory.mktemp("run"), frame_of(rows)
    file, path = file_of(folder, frame), folder / "filtered" / "f" / "table.parquet"
    goes = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    is_turned = data.draw(st.booleans())

    def chosen(table):
        found = table.filter(pl.Series(goes, dtype=pl.Boolean))
        return found.reverse() if is_turned else found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pypedream.tabular.parquet_files.ROW_GROUP_ROWS", 3)
        patch.setattr("pypedream.tabular.row_matching._PART_ROWS", 2)
        count = filter_file(file, chosen, path)

    removed, kept = pl.read_parquet(path), file.load()
    assert bag(removed) == bag(chosen(frame))
    assert bag(kept) + bag(removed) == bag(frame)
    assert count == removed.height
    others = iter(rows_of(frame))
    assert all(row in others for row in rows_of(kept))


def test_a_function_that_returns_one_of_two_equal_rows(tmp_path, monkeypatch):
    """The last one goes, though the one that it returned is in an earlier part."""
    monkeypatch.setattr("pypedream.tabular.parquet_files.ROW_GROUP_ROWS", 2)
    frame = pl.DataFrame({"x": ["a", "b", "c", "a", "d"], "y": [1, 1, 1, 1, 1]})
    file = file_of(tmp_path, frame)

    filter_file(file, lambda table: table.head(1), tmp_path / "removed.parquet")

    assert file.load()["x"].to_list() == ["a", "b", "c", "d"]
    assert pl.read_parquet(tmp_path / "removed.parquet").equals(frame.head(1))


def test_rows_that_differ_in_what_is_not_hashed(tmp_path):
    """One column tells those that are returned from each other, and not from all others."""
    frame = pl.DataFrame({"x": ["a", "b", "a"], "y": [1, 2, 3]})
    file = file_of(tmp_path, frame)

    filter_file(file, lambda table: table.filter(pl.col("y") > 1), tmp_path / "removed.parquet")
    assert file.load().rows() == [("a", 1)]

    file.save_in_place(frame)
    with pytest.raises(FilterValidationError, match="the file has this row 0 times"):
        filter_file(
            file,
            lambda table: table.head(2).with_columns(y=pl.lit(7, pl.Int64)),
            tmp_path / "r.parquet",
        )
    assert file.load().equals(frame)


@given(rows=ROWS, others=st.lists(st.tuples(FLOATS, TEXTS, COUNTS), min_size=1, max_size=5))
def test_a_row_that_is_not_there_as_often_is_refused(rows, others):
    """If and only if it is so, as counting says."""
    frame, removed = frame_of(rows), frame_of(others)
    is_within = bag(removed) <= bag(frame)

    if is_within:
        mask = mask_of(removed, frame)
        assert bag(frame.filter(mask)) == bag(removed)
    else:
        with pytest.raises(FilterValidationError, match="times, and"):
            mask_of(removed, frame)


def test_of_repeated_rows_the_last_ones_go(schools):
    """So the rows that stay are in the order in which they first were."""
    frame = schools.load()
    schools.save_in_place(pl.concat([frame.tail(2), frame]))

    filter_file(
        schools,
        lambda table: table.filter(~pl.struct(pl.all()).is_first_distinct()),
        schools.run_directory / "filtered" / "f" / "schools.parquet",
    )

    assert schools.load()["id"].to_list() == ["04", "05", "01", "02", "03"]


def test_rows_of_nested_values_are_matched_too(schools):
    """Lists and structs are values as any others."""
    frame = schools.load().with_columns(
        tags=pl.Series([["a"], [], None, ["a"], ["b", None]]),
        place=pl.struct(pl.col("id"), pl.col("pupils")),
    )

    mask = mask_of(frame[[4, 0]], frame)

    assert mask.to_list() == [True, False, False, False, True]


@pytest.mark.parametrize(
    "filter_, why",
    [
        (pl.col("pupil") > 3, 'there is no column "pupil"; did you mean "pupils"'),
        (pl.col("pupils") + 1, "an expression is true for rows to take out, and this gives Int64"),
        (pl.all().is_null(), "this gives Boolean, Boolean"),
        (lambda table: table.lazy(), "the function returns the rows to take out, not"),
        (lambda table: None, "the function returns the rows to take out, not None"),
        (lambda table: table.select("id"), 'columns are not those of the file: "pupils"'),
        (lambda table: table.with_columns(n=1), 'columns are not those of the file: "n"'),
        (lambda table: table.with_columns(pupils=1.5), '"pupils" is Float64, in the file Int64'),
        (
            lambda table: table.with_columns(pupils=pl.lit(7, pl.Int64)),
            "has this row 0 times.*pupils=7",
        ),
        (lambda table: table[[0, 0]], "has this row 1 times, and 2 were returned: id='01'"),
    ],
)
def test_a_filter_that_gives_something_else_is_refused(schools, filter_, why):
    """The file stays as it is."""
    before = schools.load()
    path = schools.run_directory / "filtered" / "f" / "schools.parquet"

    with pytest.raises(FilterValidationError, match=f'the filter of "schools": .*{why}'):
        filter_file(schools, filter_, path)

    assert schools.load().equals(before)
    assert not schools.has_saved


@pytest.mark.parametrize("filter_", [pl.col("x") > 1, lambda frame: frame.head(1)], ids=["e", "f"])
def test_a_file_that_is_gone_is_told_with_the_way_back(tmp_path, filter_):
    """Whoever says which rows go."""
    file = file_of(tmp_path, frame_of([(1.0, "a", 1)]))
    file.active_path.unlink()

    with pytest.raises(MissingRows, match=r'the file of "table" is gone, .*: ingest again'):
        filter_file(file, filter_, tmp_path / "removed.parquet")


def test_an_expression_is_asked_once(schools):
    """So no row is lost or doubled where it is not the same each time."""
    answers, before = cycle([True, False, True]), schools.load()
    changing = pl.col("id").map_batches(
        lambda ids: pl.Series([next(answers) for _ in ids]), return_dtype=pl.Boolean
    )
    path = schools.run_directory / "filtered" / "f" / "schools.parquet"

    count = filter_file(schools, changing, path)

    assert (count, schools.row_count()) == (pl.read_parquet(path).height, 5 - count)
    assert pl.concat([pl.read_parquet(path), schools.load()]).sort("id").equals(before)


@pytest.mark.parametrize("goes", [True, False])
def test_an_expression_may_say_the_same_of_all_rows(schools, goes):
    """As a number of the whole file does, or a value."""
    path = schools.run_directory / "filtered" / "f" / "schools.parquet"

    for condition in (pl.col("pupils").max() > (40 if goes else 50), pl.lit(goes)):
        before = schools.load()
        assert filter_file(schools, condition, path) == (5 if goes else 0)
        assert schools.row_count() == (0 if goes else 5)
        assert pl.read_parquet(path).equals(before if goes else before.clear())
        schools.save_in_place(before)


def test_rows_are_taken_out_of_several_groups_and_keep_their_types(tmp_path, monkeypatch):
    """By an expression and by a function, also in a file whose groups are others than ours."""
    monkeypatch.setattr("pypedream.tabular.parquet_files.ROW_GROUP_ROWS", 3)
    monkeypatch.setattr("pypedream.tabular.parquet_sink._MOST_HELD_BYTES", 1)
    number = pl.int_range(20)
    frame = pl.select(
        n=number,
        kind=pl.format("kind {}", number % 3).cast(pl.Categorical),
        size=pl.format("{}", number % 2).cast(pl.Enum(["0", "1"])),
        price=(number / 3).cast(pl.Decimal(10, 2)),
        day=pl.date(2024, 1, 1) + pl.duration(days=number),
        at=(pl.datetime(2024, 1, 1, time_zone="UTC") + pl.duration(hours=number)),
        tags=pl.concat_list(number, number % 2),
        place=pl.struct(x=number, y=number % 4),
        raw=pl.format("{}", number).cast(pl.Binary),
        nothing=pl.lit(None),
    )
    goes = pl.col("n") % 4 == 1
    for number, filter_ in enumerate((goes, lambda table: table.filter(goes))):
        file = file_of(tmp_path / str(number), frame)

        filter_file(file, filter_, tmp_path / f"{number}.parquet")

        removed = pl.read_parquet(tmp_path / f"{number}.parquet")
        assert removed.schema == file.load().schema == frame.schema
        text = pl.col("kind").cast(pl.String)  # polars 1 does not compare categories of two files
        for found, expected in ((removed, goes), (file.load(), ~goes)):
            assert found.with_columns(text).equals(frame.filter(expected).with_columns(text))


def test_a_function_cannot_change_the_rows_that_stay(schools):
    """It gets a frame of its own."""

    def change(table):
        table.insert_column(0, pl.Series("n", range(table.height)))
        return table.drop("n").head(1)

    filter_file(schools, change, schools.run_directory / "filtered" / "s.parquet")

    assert schools.load().columns == ["id", "pupils"]
    assert schools.row_count() == 4
