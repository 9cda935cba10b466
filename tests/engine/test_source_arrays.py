"""Arrays: the results of a mapped stage as an array of numpy or xarray."""

from __future__ import annotations

import pytest

from pypedream.engine.sources import Source, gathered, source_of
from pypedream.errors import MapError
from pypedream.over import CROSS, NEST, ZIP, Over

numpy = pytest.importorskip("numpy")


def source(how: str = ZIP, depth: int = 1, **values: object) -> Source:
    return source_of(Over(tuple(values), how, depth), dict(values), None)


def pulled(one: Source, most: int = 100) -> dict[object, tuple[object, ...]]:
    """Return all items by key, pulled so many at a time."""
    found: dict[object, tuple[object, ...]] = {}
    while True:
        keys, calls = one.pull(most)
        found.update(zip(keys, calls, strict=True))
        if len(calls) < most:
            return found


def collected(one: Source, over: Over, collect: str = "list") -> object:
    """Return the items themselves as results."""
    values = [values[0] if len(values) == 1 else values for values in pulled(one).values()]
    return gathered(one, values, over, collect)


@pytest.mark.parametrize(
    "values, kind",
    [([1, 2], "i"), ([1.5, 2], "f"), ([numpy.float32(1)], "f"), ([True], "b")],
    ids=["int", "float", "numpy", "bool"],
)
def test_numbers_become_an_array_of_numbers(values, kind):
    """Of the kind that holds them all."""
    array = collected(source(x=values), Over(("x",)), "numpy")

    assert array.dtype.kind == kind
    assert array.tolist() == values


@pytest.mark.parametrize(
    "values", [["a", "b"], [None], [[1], [2, 3]], [(1, 2), (3, 4)], []], ids=repr
)
def test_other_values_become_an_array_of_objects(values):
    """One place for each item, whatever is in it."""
    array = collected(source(x=values), Over(("x",)), "numpy")

    assert (array.dtype, array.shape) == (object, (len(values),))
    assert [*array] == values


def test_an_array_has_an_axis_for_each_argument_of_a_cross():
    """Also where one has no items."""
    over = Over(("a", "b"), CROSS)

    array = gathered(source(CROSS, a=[1, 2], b=[1, 2, 3]), [*range(6)], over, "numpy")
    empty = gathered(source(CROSS, a=[1, 2], b=[]), [], over, "numpy")

    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert empty.shape == (2, 0)


def test_an_array_has_an_axis_for_each_level():
    """As long as the lists of a level have one length."""
    over = Over(("x",), NEST, 2)

    array = collected(source(NEST, 2, x=[[1, 2, 3], [4, 5, 6]]), over, "numpy")

    assert array.tolist() == [[1, 2, 3], [4, 5, 6]]
    with pytest.raises(MapError, match='"x" has lists of different lengths in it'):
        collected(source(NEST, 2, x=[[1, 2], [3]]), over, "numpy")


def test_a_labelled_array_says_what_its_axes_are():
    """Numbers, texts and times name the places of an axis, and so do the keys of a mapping."""
    pytest.importorskip("xarray")
    over = Over(("rate", "site", "file"), CROSS)
    one = source(CROSS, rate=[0.1, 0.2], site={"x": 1}, file=[["a"], ["b"]])

    array = gathered(one, [1, 2, 3, 4], over, "xarray")

    assert array.dims == ("rate", "site", "file")
    assert array.sel(rate=0.2, site="x", file=1).item() == 4


def test_a_labelled_array_of_a_mapping_bears_its_keys():
    """And of a list the positions."""
    pytest.importorskip("xarray")
    over = Over(("x",))

    by_key = gathered(source(x={"a": 1, "b": 2}), [1, 2], over, "xarray")
    by_place = gathered(source(x=[5, 6]), [1, 2], over, "xarray")

    assert by_key.sel(x="b").item() == 2
    assert by_place.coords["x"].values.tolist() == [0, 1]
