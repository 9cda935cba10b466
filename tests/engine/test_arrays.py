from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pypedream.engine.mutation import copied, digest

numpy = pytest.importorskip("numpy")
pandas = pytest.importorskip("pandas")

NAN = float("nan")
Make = Callable[[], Any]
Change = Callable[[Any], object]


def put(index: Any, new: Any) -> Change:
    return lambda array: array.__setitem__(index, new)


class Subclass(numpy.ndarray):  # type: ignore[misc]
    """An array whose methods mislead."""

    def view(self, *args: object) -> Any:
        raise AssertionError("a digest calls no code of the user")

    tobytes = tolist = reshape = ravel = copy = view


ARRAYS: dict[str, tuple[Make, Change]] = {
    "float": (lambda: numpy.array([1.0, NAN]), put(0, 2)),
    "int": (lambda: numpy.arange(10), put(9, 0)),
    "bool": (lambda: numpy.zeros(3, bool), put(1, True)),
    "complex": (lambda: numpy.zeros(3, complex), put(1, 1j)),
    "text": (lambda: numpy.array(["a", "b"]), put(0, "c")),
    "bytes": (lambda: numpy.array([b"a", b"b"]), put(0, b"c")),
    "datetime": (lambda: numpy.array(["2026-01-01", "NaT"], "M8[D]"), put(0, "2026-01-02")),
    "timedelta": (lambda: numpy.array([1, 2], "m8[s]"), put(0, 3)),
    "structured": (lambda: numpy.zeros(2, [("a", int), ("b", "U2")]), put(1, (0, "x"))),
    "structured names": (
        lambda: numpy.zeros(2, [("a", int), ("b", int)]),
        lambda array: setattr(array.dtype, "names", ("b", "a")),
    ),
    "objects": (lambda: numpy.array([1, "a", None, NAN], object), put(2, 0)),
    "list in objects": (
        lambda: numpy.array([[1], None], object),
        lambda array: array[0].append(2),
    ),
    "objects in structure": (
        lambda: numpy.array([(1, [])], [("a", int), ("b", object)]),
        put(0, (1, [2])),
    ),
    "no dimension": (lambda: numpy.array(1.0), put((), 2)),
    "two dimensions": (lambda: numpy.zeros((3, 4)), put((2, 3), 1)),
    "fortran order": (lambda: numpy.zeros((3, 4), order="F"), put((2, 3), 1)),
    "every second": (lambda: numpy.zeros(20)[::2], put(9, 1)),
    "backwards": (lambda: numpy.zeros(20)[::-1], put(0, 1)),
    "columns": (lambda: numpy.zeros((30, 40))[:, 3:5], put((29, 1), 1)),
    "objects of a view": (lambda: numpy.zeros((4, 4), object)[::2, ::2], put((1, 1), "a")),
    "mask": (
        lambda: numpy.ma.array([1, 2], mask=[False, False]),
        lambda array: array.mask.__setitem__(0, True),
    ),
    "masked data": (lambda: numpy.ma.array([1, 2], mask=[True, False]), put(1, 3)),
    "subclass": (lambda: numpy.ndarray.view(numpy.zeros(3), Subclass), put(2, 1)),
    "records": (lambda: numpy.rec.array([(1, 2.0)], names="a,b"), put(0, (1, 3.0))),
    "in a dict": (
        lambda: {"a": numpy.zeros(3)},
        lambda value: value["a"].__setitem__(0, 1),
    ),
    "structured scalar": (lambda: numpy.zeros(2, [("a", int)])[0], put("a", 1)),
    "in a list of scalars": (lambda: [numpy.float64(1)], put(0, numpy.float64(2))),
    "first of 100 MB": (lambda: numpy.zeros(12_500_000), put(0, 1)),
    "last of 100 MB": (lambda: numpy.zeros(12_500_000), put(-1, 1)),
    "half of 100 MB": (lambda: numpy.zeros((2, 6_250_000)), put((1, slice(None)), 1)),
    "some rows of 100 MB": (lambda: numpy.zeros((125_000, 100)), put(slice(0, None, 7), 1)),
    "view of 100 MB": (lambda: numpy.zeros((5_000, 5_000))[:, ::2], put((slice(None), 7), 1)),
    "many objects": (lambda: numpy.zeros(10**6, object), put(slice(None), "a")),
}

if hasattr(numpy.dtypes, "StringDType"):  # since numpy 2
    ARRAYS["variable text"] = (
        lambda: numpy.array(["a", "b" * 100], numpy.dtypes.StringDType()),
        put(1, "b" * 99 + "c"),
    )


@pytest.mark.parametrize("name", ARRAYS)
def test_a_change_of_an_array_is_seen(name: str) -> None:
    """Arrays of any kind and layout are compared by their content."""
    make, change = ARRAYS[name]
    array = make()
    before = digest(array)

    assert before is not None
    assert digest(array) == before
    change(array)
    assert digest(array) != before


def test_a_shape_set_in_place_is_a_change() -> None:
    """The same bytes in another shape are another array."""
    array = numpy.zeros((2, 3))

    assert digest(array) != digest(array.reshape(3, 2))
    assert digest(array) != digest(array.astype("f4"))


def test_one_array_of_many_is_read() -> None:
    """A list of arrays that is too big to be read whole is read in part."""
    values = [numpy.zeros(10**6) for _ in range(10)]
    before = digest(values)

    assert digest(values) == before
    for array in values:
        array.fill(1)
    assert digest(values) != before


@pytest.mark.parametrize(
    "array",
    [
        numpy.zeros(0),
        numpy.zeros((0, 3)),
        numpy.zeros((3, 0), object),
        numpy.zeros(2, "U0"),
        numpy.broadcast_to(numpy.zeros(1), (10**12,)),
    ],
    ids=["empty", "no rows", "no objects", "no letters", "terabytes of one number"],
)
def test_odd_arrays_have_a_digest(array: Any) -> None:
    """An array without bytes, or with more of them than there is memory, can be compared."""
    assert digest(array) == digest(array) is not None


@pytest.mark.parametrize("value", [numpy.float64(1), numpy.str_("a"), numpy.bool_(True)], ids=repr)
def test_scalars_of_numpy_have_no_digest(value: object) -> None:
    """They cannot be changed in place."""
    assert digest(value) is None


def frame() -> Any:
    table = pandas.DataFrame(
        {
            "n": [1.0, NAN, 3.0],
            "i": [1, 2, 3],
            "text": ["a", None, "c"],
            "any": pandas.Series([1, "a", [1]], dtype=object),
            "kind": pandas.Categorical(["a", "b", "a"]),
            "day": pandas.date_range("2026-01-01", periods=3, tz="UTC"),
            "int": pandas.array([1, None, 3], dtype="Int64"),
            "period": pandas.period_range("2026-01", periods=3, freq="M"),
            "span": pandas.interval_range(0, 3),
            "few": pandas.arrays.SparseArray([0.0, 0.0, 1.0]),
        }
    )
    table.index = pandas.Index(["x", "y", "z"], name="key")
    return table


FRAMES: dict[str, Change] = {
    "number": lambda frame: frame.__setitem__("n", 2.0),
    "one number": lambda frame: frame.loc.__setitem__(("y", "n"), 2.0),
    "one integer": lambda frame: frame.iloc.__setitem__((0, 1), 7),
    "text": lambda frame: frame.loc.__setitem__(("x", "text"), "b"),
    "object": lambda frame: frame.loc.__setitem__(("x", "any"), "b"),
    "inside an object": lambda frame: frame.loc["z", "any"].append(2),
    "category": lambda frame: frame.loc.__setitem__(("x", "kind"), "b"),
    "day": lambda frame: frame.loc.__setitem__(("x", "day"), pandas.NaT),
    "missing integer": lambda frame: frame.loc.__setitem__(("y", "int"), 2),
    "integer goes missing": lambda frame: frame.loc.__setitem__(("x", "int"), pandas.NA),
    "period": lambda frame: frame.loc.__setitem__(("x", "period"), pandas.Period("2027-01", "M")),
    "new column": lambda frame: frame.__setitem__("new", 1),
    "lost column": lambda frame: frame.pop("few"),
    "moved column": lambda frame: frame.insert(0, "i", frame.pop("i")),
    "dtype": lambda frame: frame.__setitem__("i", frame["i"].astype("i4")),
    "renamed column": lambda frame: frame.rename(columns={"n": "m"}, inplace=True),
    "index": lambda frame: setattr(frame, "index", ["a", "y", "z"]),
    "name of the index": lambda frame: setattr(frame.index, "name", "other"),
    "reset index": lambda frame: frame.reset_index(inplace=True),
    "lost row": lambda frame: frame.drop("x", inplace=True),
    "order of rows": lambda frame: frame.sort_index(ascending=False, inplace=True),
    "filled": lambda frame: frame.fillna({"n": 0.0}, inplace=True),
}


@pytest.mark.filterwarnings("ignore:The inplace keyword")
@pytest.mark.parametrize("name", FRAMES)
def test_a_change_of_a_frame_is_seen(name: str) -> None:
    """Values of every dtype, names, order and index are a part of the digest."""
    table = frame()
    before = digest(table)

    assert before is not None
    FRAMES[name](table)
    assert digest(table) != before


READS: dict[str, Change] = {
    "describe": lambda frame: frame[["n", "i"]].describe(),
    "sum": lambda frame: frame[["n", "i"]].sum(),
    "values": lambda frame: frame.values,
    "group": lambda frame: frame.groupby("kind", observed=True)["n"].mean(),
    "lookup": lambda frame: frame.loc["x"],
    "columns": lambda frame: [frame[name].unique() for name in frame if name != "any"],
    "index": lambda frame: (frame.index.is_unique, "x" in frame.index, frame.index.get_loc("y")),
    "copy": lambda frame: frame.copy().__setitem__("n", 0),
    "arithmetic": lambda frame: frame["n"] + frame["i"],
    "sort": lambda frame: frame.sort_values("n"),
    "text": repr,
    "merge": lambda frame: frame.merge(frame[["i"]], on="i"),
}


@pytest.mark.parametrize("name", READS)
def test_reading_a_frame_is_no_change(name: str) -> None:
    """Pandas rearranges and keeps things when a frame is read; its content is the same."""
    table = frame()
    for number in range(5):
        table[f"extra{number}"] = number * 1.0
    before = digest(table)

    READS[name](table)

    assert digest(table) == before


def test_a_series_and_an_index_are_watched() -> None:
    """Parts of frames are values too."""
    series = pandas.Series([1, 2, 3], name="a")
    before = digest(series)

    assert digest(series) == before is not None
    series.iloc[0] = 5
    assert digest(series) != before
    before = digest(series)
    series.name = "b"
    assert digest(series) != before

    index = pandas.Index([1, 2])
    before = digest(index)
    index.name = "a"
    assert digest(index) != before


def test_levels_of_an_index_are_read() -> None:
    """An index of several levels is compared without being written out."""
    index = pandas.MultiIndex.from_product([["a", "b"], range(3)], names=["letter", "number"])
    table = pandas.DataFrame({"n": range(6)}, index=index)
    before = digest(table)

    assert digest(table) == before is not None
    table.index = table.index.set_levels(["a", "c"], level="letter")
    assert digest(table) != before


def test_duplicate_columns_are_told_apart() -> None:
    """Two columns of one name are two columns."""
    table = pandas.DataFrame([[1, 2]], columns=["a", "a"])
    before = digest(table)

    table.iloc[0, 1] = 3

    assert digest(table) != before


@pytest.mark.parametrize("shape", [(10**6, 5), (10, 5_000)], ids=["long", "wide"])
def test_a_frame_that_is_too_big_is_read_in_part(shape: tuple[int, int]) -> None:
    """A change of everything is seen, and so is one of the last row or column."""
    table = pandas.DataFrame(numpy.zeros(shape))
    before = digest(table)

    assert digest(table) == before is not None
    table.iloc[-1, -1] = 1
    changed = digest(table)
    assert changed != before
    table += 1
    assert digest(table) != changed


def test_a_frame_is_copied_whole() -> None:
    """A change of a copy does not reach the frame."""
    table = frame()
    before = digest(table)

    other = copied(table)
    other.loc["x", "n"] = 100
    other.index.name = "other"

    assert digest(table) == before
