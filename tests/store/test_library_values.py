"""Values of numpy, pandas, polars and pyarrow: each where it is installed."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest

from pypedream.errors import UnhashableInput
from pypedream.store.values import hash_value


def test_arrays_of_different_kinds_are_told_apart() -> None:
    """Dtype, byte order, shape and entries count."""
    np = pytest.importorskip("numpy")
    arrays = [
        np.zeros(3, "i4"),
        np.zeros(3, "f4"),
        np.zeros(3, ">f4"),
        np.zeros(3, "i8"),
        np.zeros((3, 1), "i4"),
        np.zeros((1, 3), "i4"),
        np.zeros(4, "i4"),
        np.ones(3, "i4"),
        np.zeros(3, [("a", "i4")]),
        np.zeros(3, [("b", "i4")]),
        np.zeros(3, "M8[s]"),
        np.zeros(3, "M8[D]"),
        np.zeros(3, object),
        np.array(["a", "b", "c"]),
        np.array([0, 0, "0"], object),
        np.ma.masked_array(np.zeros(3, "i4"), [0, 0, 1]),
        np.zeros(0, "i4"),
        np.zeros((0, 3), "i4"),
        np.array(0, "i4"),
        np.int32(0),
        [0, 0, 0],
        0,
    ]

    assert len({hash_value(array) for array in arrays}) == len(arrays)


def test_the_layout_of_an_array_does_not_count() -> None:
    """A view, a copy, another memory order and a map of a file are one array."""
    np = pytest.importorskip("numpy")
    array = np.arange(24).reshape(4, 6)

    assert hash_value(array[:, ::2]) == hash_value(array[:, ::2].copy())
    assert hash_value(array[::-1]) == hash_value(np.array(array[::-1].tolist()))
    assert hash_value(np.asfortranarray(array)) == hash_value(array)


def test_gaps_and_masked_entries_do_not_count() -> None:
    """What no one can see is not a part of an array."""
    np = pytest.importorskip("numpy")
    kind = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    filled = bytearray(b"\1" * 3 * kind.itemsize)
    zeros, ones = np.zeros(3, kind), np.frombuffer(filled, kind)
    ones["a"], ones["b"] = 0, 0

    assert 1 in filled
    assert hash_value(zeros) == hash_value(ones)
    assert hash_value(zeros[0]) == hash_value(ones[0])
    first, second = np.ma.masked_array([1, 2], [0, 1]), np.ma.masked_array([1, 3], [0, 1])
    assert hash_value(first) == hash_value(second)


def test_many_small_arrays_have_no_digest_in_common() -> None:
    """A hundred thousand arrays of one number have as many digests."""
    np = pytest.importorskip("numpy")
    numbers = np.arange(100_000)

    assert len({hash_value(numbers[at : at + 1]) for at in range(len(numbers))}) == len(numbers)


def test_entries_that_are_objects_count_by_value() -> None:
    """No address comes into the digest of an array of objects."""
    np = pytest.importorskip("numpy")
    first = np.array(["a" * 50, 2.5, None, [1]], object)
    second = np.array(["".join(["a"] * 50), 5 / 2, None, [1]], object)

    assert hash_value(first) == hash_value(second)


def frame() -> Any:
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(
        {
            "number": [1, 2, 3],
            "float": [1.5, None, 3.0],
            "text": ["a", "b", "c"],
            "category": pd.Categorical(["x", "y", "x"]),
            "time": pd.date_range("2024", periods=3, tz="Europe/Zurich"),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "string": pd.array(["a", None, "c"], dtype="string"),
            "truth": pd.array([True, None, False], dtype="boolean"),
        }
    )


def through_parquet(table: Any) -> Any:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    file = io.BytesIO()
    table.to_parquet(file)
    file.seek(0)
    return pd.read_parquet(file)


def through_arrow(table: Any) -> Any:
    arrow = pytest.importorskip("pyarrow")
    return arrow.Table.from_pandas(table).to_pandas()


def put_together(table: Any) -> Any:
    pd = pytest.importorskip("pandas")
    return pd.concat([table.iloc[:1], table.iloc[1:]])


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "copy": lambda table: table.copy(),
    "columns": lambda table: type(table)({name: table[name].copy() for name in table}),
    "concat": put_together,
    "slice": lambda table: table.iloc[::-1].iloc[::-1],
    "parquet": through_parquet,
    "arrow": through_arrow,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_equal_frames_have_equal_digests(name: str) -> None:
    """How pandas keeps the columns does not count."""
    table = frame()

    assert hash_value(LAYOUTS[name](table)) == hash_value(table)


def test_a_change_of_a_frame_is_seen() -> None:
    """Names, dtypes, order, index, zone and categories count."""
    pd = pytest.importorskip("pandas")
    table = frame()
    tables = [
        table,
        table.rename(columns={"number": "n"}),
        table.astype({"number": "int32"}),
        table.astype({"number": "Int64"}),
        table[list(table)[::-1]],
        table.iloc[::-1],
        table.set_index("number"),
        table.rename_axis("name"),
        table.set_axis([1.0, 2.0, 3.0]),
        table.assign(number=[1, 2, 4]),
        table.assign(float=[1.5, 2.5, 3.0]),
        table.assign(text=["a", "b", None]),
        table.assign(time=table["time"].dt.tz_convert("UTC")),
        table.assign(category=table["category"].cat.add_categories("z")),
        table.assign(category=table["category"].cat.as_ordered()),
        table.iloc[:2],
        table["number"],
        table["number"].rename("n"),
        table.columns,
        table.index,
        pd.MultiIndex.from_product([[1, 2], ["a"]]),
        pd.MultiIndex.from_product([[1, 2], ["b"]]),
        pd.Series(pd.arrays.SparseArray([0, 1])),
        pd.Series(pd.arrays.SparseArray([0, 2])),
        pd.Series(pd.arrays.IntervalArray.from_breaks([0, 1, 2])),
        pd.Series(pd.period_range("2024", periods=2, freq="M")),
        pd.Series([1, "a", None], dtype=object),
        pd.Series([1, "a", float("nan")], dtype=object),
        pd.Timestamp("2024"),
        pd.Timestamp("2024", tz="UTC"),
        pd.NaT,
        pd.NA,
        None,
    ]

    assert len({hash_value(each) for each in tables}) == len(tables)


def test_polars_frames_count_by_their_entries() -> None:
    """Chunks do not count; names, dtypes and entries do."""
    pl = pytest.importorskip("polars")
    table = pl.DataFrame(
        {
            "n": [1, None, 3],
            "s": ["a", None, "c"],
            "d": [dt.date(2024, 1, 1)] * 3,
            "l": [[1], [], None],
        }
    )
    tables = [
        table,
        table.rename({"n": "m"}),
        table.cast({"n": pl.Int32}),
        table.with_columns(n=pl.lit(1)),
        table.with_columns(n=pl.col("n").fill_null(0)),
        table.reverse(),
        table["n"],
    ]

    assert hash_value(pl.concat([table[:1], table[1:]], rechunk=False)) == hash_value(table)
    assert hash_value(table.reverse().reverse()) == hash_value(table)
    assert len({hash_value(each) for each in tables}) == len(tables)
    with pytest.raises(UnhashableInput, match=r"collect\(\) it first"):
        hash_value(table.lazy())


def test_arrow_tables_count_by_their_entries() -> None:
    """Chunks and metadata do not count; names, types and entries do."""
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("numpy")
    table = pa.table({"n": [1, None, 3], "s": ["a", None, "c"], "t": [True, None, False]})
    tables = [
        table,
        table.rename_columns(["m", "s", "t"]),
        table.slice(1),
        table.select(["s", "n", "t"]),
        pa.table({"n": pa.array([1, None, 3], pa.int32()), "s": table["s"], "t": table["t"]}),
        pa.table({"n": [1, 0, 3], "s": table["s"], "t": table["t"]}),
        table["n"],
        pa.array([1, 2]),
        pa.scalar(1),
        table.schema,
    ]

    assert hash_value(pa.concat_tables([table[:1], table[1:]])) == hash_value(table)
    assert hash_value(table.replace_schema_metadata({"a": "b"})) == hash_value(table)
    assert hash_value(table["n"]) == hash_value(table["n"].combine_chunks())
    assert len({hash_value(each) for each in tables}) == len(tables)


def test_xarray_counts_by_names_coordinates_attributes_and_entries() -> None:
    """Of a dataset everything counts that its user gave it."""
    xr = pytest.importorskip("xarray")
    array = xr.DataArray(
        [[1, 2]], dims=("x", "y"), coords={"y": [1, 2]}, name="a", attrs={"u": "m"}
    )
    arrays = [
        array,
        array.rename("b"),
        array.rename(x="z"),
        array.assign_coords(y=[1, 3]),
        array.assign_attrs(u="km"),
        array.astype("f4"),
        array + 1,
        array.T,
        array.to_dataset(),
        array.to_dataset().assign(b=1),
        array.to_dataset().set_coords("a"),
    ]

    assert hash_value(array.copy()) == hash_value(array)
    assert len({hash_value(each) for each in arrays}) == len(arrays)


def test_a_function_over_arrays_counts_by_where_it_is_found():
    """One that is made by hand is found nowhere, so it has no digest."""
    np = pytest.importorskip("numpy")
    by_hand = np.frompyfunc(abs, 1, 1)

    assert hash_value(np.sqrt) == hash_value(np.sqrt)
    assert hash_value(np.sqrt) != hash_value(np.square)
    with pytest.raises(UnhashableInput, match=r"ufunc cannot be taken apart \(it is not "):
        hash_value(by_hand)
