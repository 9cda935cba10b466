"""Sources: the items of what a stage is mapped over, and what their results become."""

from __future__ import annotations

from collections import deque
from itertools import count, islice, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.engine.sources import GROWTH, MOST, Pace, Source, gathered, source_of
from pypedream.errors import MapError
from pypedream.over import CROSS, NEST, ZIP, Over


def source(how: str = ZIP, depth: int = 1, item_key: object = None, **values: object) -> Source:
    return source_of(Over(tuple(values), how, depth), dict(values), item_key)


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
    "values",
    [
        [1, 2, 3],
        (1, 2, 3),
        range(1, 4),
        deque([1, 2, 3]),
        iter([1, 2, 3]),
        {1: 0, 2: 0, 3: 0}.keys(),
    ],
    ids=["list", "tuple", "range", "deque", "iterator", "keys"],
)
def test_items_are_known_by_their_position(values):
    """Whatever holds them."""
    assert pulled(source(x=values), most=2) == {0: (1,), 1: (2,), 2: (3,)}


def test_items_of_a_mapping_are_known_by_their_keys():
    """And their results come back by them."""
    one = source(x={"a": 1, "b": 2})

    assert pulled(one) == {"a": (1,), "b": (2,)}
    assert gathered(one, [10, 20], Over(("x",)), "list") == {"a": 10, "b": 20}


def test_no_more_is_pulled_than_is_asked_for():
    """An iterator that never ends can be mapped over as far as one likes."""
    numbers = count()
    one = source(x=numbers)

    assert one.total is None
    assert [*one.pull(3)[1]] == [(0,), (1,), (2,)]
    assert next(numbers) == 3


def test_arguments_that_are_not_mapped_over_stay():
    """Only the items are taken out of the arguments."""
    arguments = {"x": [1], "y": 2}

    source_of(Over(("x",)), arguments, None)

    assert arguments == {"y": 2}


@pytest.mark.parametrize("most", [1, 2, 3, 100])
@pytest.mark.parametrize(
    "first, second",
    [
        (lambda: iter([1, 2, 3]), lambda: [4, 5]),
        (lambda: [1, 2, 3], lambda: iter([4, 5])),
        (lambda: iter([1, 2]), lambda: [4, 5, 6]),
        (lambda: iter([1, 2, 3]), lambda: iter([4, 5])),
    ],
    ids=["long-iterator", "short-iterator", "short-first", "two-iterators"],
)
def test_iterators_that_end_apart_are_not_zipped(first, second, most):
    """However many are pulled at a time, the item too many is not dropped silently."""
    with pytest.raises(MapError, match='"a", "b" are zipped, and one of them ends before'):
        pulled(source(a=first(), b=second()), most)


def test_lists_of_other_lengths_are_not_zipped():
    """That is told before any item is called, with both lengths."""
    with pytest.raises(MapError, match=r'"a" has 2 items and "b" has 1 item: .*cross'):
        source(a=[1, 2], b=[1])


def test_mappings_are_zipped_by_key():
    """In the order of the first."""
    one = source(a={"x": 1, "y": 2}, b={"y": 20, "x": 10}, c=[100, 200])

    assert pulled(one) == {"x": (1, 10, 100), "y": (2, 20, 200)}


def test_mappings_with_other_keys_are_not_zipped():
    """The first key that is missing is named."""
    with pytest.raises(MapError, match='"a" and "b" are zipped, and only one has \'y\''):
        source(a={"x": 1, "y": 2, "z": 3}, b={"x": 1, "u": 2})


@given(st.lists(st.lists(st.integers(), max_size=4), min_size=1, max_size=3))
def test_a_cross_is_a_nested_comprehension(axes):
    """Each item of the first axis with each of the next, the last one innermost."""
    values = {f"axis_{place}": axis for place, axis in enumerate(axes)}
    over = Over(tuple(values), CROSS)
    one = source_of(over, dict(values), None)

    items = [*pulled(one).values()]

    def nested(before: tuple[int, ...], rest: list[list[int]]) -> object:
        return [nested((*before, item), rest[1:]) for item in rest[0]] if rest else before

    assert items == [*product(*axes)]
    assert one.total == len(items)
    assert gathered(one, items, over, "list") == nested((), axes)


def test_a_cross_keeps_the_keys_of_a_mapping():
    """Outermost, innermost or both; other arguments have lists."""
    over = Over(("a", "b"), CROSS)
    a, b = {"x": 1, "y": 2}, {"p": 3, "q": 4}

    def crossed(a: object, b: object) -> object:
        return collected(source(CROSS, a=a, b=b), over)

    assert crossed(a, [3, 4]) == {"x": [(1, 3), (1, 4)], "y": [(2, 3), (2, 4)]}
    assert crossed([1, 2], b) == [{"p": (1, 3), "q": (1, 4)}, {"p": (2, 3), "q": (2, 4)}]
    assert crossed(a, b)["y"] == {"p": (2, 3), "q": (2, 4)}
    assert (crossed({}, b), crossed(a, [])) == ({}, {"x": [], "y": []})


def test_items_of_a_cross_are_known_by_all_their_keys():
    """Positions, or the keys of a mapping."""
    assert [*pulled(source(CROSS, a=[5, 6], b={"u": 1, "v": 2}))] == ["0/u", "0/v", "1/u", "1/v"]


def levels(depth: int) -> st.SearchStrategy[object]:
    inner = st.integers() if depth == 0 else levels(depth - 1)
    if depth == 0:
        return inner
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner)


@given(st.integers(1, 4).flatmap(lambda depth: st.tuples(st.just(depth), levels(depth))))
def test_nested_items_keep_their_shape(case):
    """Lists stay lists and mappings mappings, also empty ones and ragged ones."""
    depth, tree = case
    over = Over(("x",), NEST, depth)

    assert collected(source(NEST, depth, x=tree), over) == tree


def test_what_is_not_as_deep_as_said_is_refused():
    """With the place of what has no items."""
    with pytest.raises(MapError, match='item 1 of "x" is 3, which has no items'):
        pulled(source(NEST, 2, x=[[1], 3]))


def test_a_key_may_be_a_function_of_the_item():
    """It gets the values of all arguments that are mapped over."""
    one = source(item_key=lambda a, b: f"{a}{b}", a=["x", "y"], b=[1, 2])

    assert [*pulled(one)] == ["x1", "y2"]


def test_chunks_grow_towards_a_twentieth_of_a_second():
    """From one item on, never more than eightfold, and not beyond what is held in memory."""
    pace, sizes = Pace(None, 1), []
    for _ in range(8):
        sizes.append(pace.next(None))
        pace.took(sizes[-1], sizes[-1] * 1e-6)

    assert sizes[0] == 1
    assert all(second <= first * GROWTH for first, second in pairwise(sizes))
    assert sizes[-1] == MOST


def test_slow_items_go_one_by_one():
    """Also after quick ones."""
    pace = Pace(None, 1)
    pace.took(1, 1e-6)
    pace.took(8, 8.0)

    assert pace.next(None) == 1


def test_the_last_chunks_are_short():
    """So that all members end together."""
    pace = Pace(None, 4)
    for _ in range(6):
        count = pace.next(None)
        pace.took(count, count * 1e-3)

    assert pace.next(80) == 10
    assert pace.next(1) == 3  # of less work than this it costs more to hand it over


def test_the_size_that_was_asked_for_is_kept():
    """However long the items take."""
    pace = Pace(7, 4)
    pace.took(7, 100.0)

    assert [pace.next(100), pace.next(None), pace.next(3)] == [7, 7, 7]


def test_items_are_pulled_lazily_from_nested_iterators():
    """Of a level only as much as is called."""
    seen = []

    def rows():
        for row in count():
            seen.append(row)
            yield [row, row]

    one = source(NEST, 2, x=rows())

    assert [*islice(one.pull(3)[1], 3)] == [(0,), (0,), (1,)]
    assert seen == [0, 1]
