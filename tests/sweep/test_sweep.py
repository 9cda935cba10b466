"""The points of a sweep: grids, axes side by side, samples, and what is made of these."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream import sweep
from pypedream.errors import DefinitionError

axes = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.integers(), min_size=1, max_size=4), min_size=1
)


@given(axes)
def test_a_grid_is_every_combination_with_the_last_axis_changing_fastest(axes):
    """As nested loops over the axes would give them."""
    expected = [{}]
    for name, values in axes.items():
        expected = [{**point, name: value} for point in expected for value in values]

    points = sweep.grid(**axes)

    assert list(points) == expected
    assert len(points) == len(expected)
    assert [points[n] for n in range(-len(points), 0)] == expected


def test_a_large_grid_is_not_worked_out():
    """Any point of it can be had."""
    points = sweep.grid({f"p{n}": range(1000) for n in range(5)})

    assert len(points) == 10**15
    assert points[10**15 - 1] == dict.fromkeys([f"p{n}" for n in range(5)], 999)
    assert points[:2] == [{**points[0]}, {**points[0], "p4": 1}]


def test_names_with_dots_may_be_nested():
    """Both ways to write them give the same."""
    nested = sweep.grid(model={"depth": [1, 2], "rate": [0.1]})

    assert nested == sweep.grid({"model.depth": [1, 2], "model.rate": [0.1]})
    assert nested[0] == {"model.depth": 1, "model.rate": 0.1}


def test_a_list_of_grids_is_one_after_the_other():
    """As other libraries have it."""
    points = sweep.grid([{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": [1, 10]}])

    assert list(points) == [
        {"kernel": "linear"},
        {"kernel": "rbf", "gamma": 1},
        {"kernel": "rbf", "gamma": 10},
    ]


def test_sweeps_are_added_and_crossed():
    """In any order, with plain lists on either side."""
    rates = sweep.grid(rate=[1, 2])

    assert list(rates + sweep.zip(rate=[5])) == [{"rate": 1}, {"rate": 2}, {"rate": 5}]
    listed = [{"rate": 5}]
    assert listed + rates == [*listed, {"rate": 1}, {"rate": 2}]
    assert rates + listed == [{"rate": 1}, {"rate": 2}, *listed]
    assert (rates + rates + rates)[4] == {"rate": 1}
    assert list(rates * [{"depth": 3}, {"depth": 4}]) == list(sweep.grid(rate=[1, 2], depth=[3, 4]))
    assert [{"depth": 3}] * rates == [{"depth": 3, "rate": 1}, {"depth": 3, "rate": 2}]
    assert (rates * sweep.zip(depth=[3], seed=[0])).names == ("rate", "depth", "seed")


def test_a_point_is_the_callers_own():
    """What is done to it does not reach the sweep."""
    points = sweep.zip(rate=[1, 2])

    points[0]["rate"] = 9

    assert points[0] == {"rate": 1}


def test_numbers_of_an_array_are_plain_numbers():
    """A table of them reads well."""
    np = pytest.importorskip("numpy")

    (point,) = sweep.zip(rate=np.array([0.5]), depth=np.array([3]))

    assert {name: type(value) for name, value in point.items()} == {"rate": float, "depth": int}


def test_a_sample_is_the_same_for_the_same_seed_and_touches_nothing_else():
    """Other axes and more points do not change it."""
    before = random.getstate()
    few = sweep.sample(5, seed=3, rate=(0.0, 1.0))
    many = sweep.sample(20, seed=3, kind=["a", "b"], rate=(0.0, 1.0))

    assert [point["rate"] for point in many[:5]] == [point["rate"] for point in few]
    assert few != sweep.sample(5, seed=4, rate=(0.0, 1.0))
    assert sweep.sample(5, rate=(0.0, 1.0)) != sweep.sample(5, rate=(0.0, 1.0))
    assert random.getstate() == before


def test_each_kind_of_axis_is_drawn_from_as_it_says():
    """Ranges of numbers, whole numbers, choices, orders of magnitude, functions."""
    points = sweep.sample(
        300,
        seed=0,
        rate=(0.0, 1.0),
        depth=(1, 3),
        kind=["a", "b"],
        pair=("x", "y"),
        alpha=sweep.log(1e-4, 1),
        width=sweep.log(1, 1000),
        noise=lambda random: random.gauss(0, 1),
    )

    assert all(0 <= point["rate"] <= 1 for point in points)
    assert {point["depth"] for point in points} == {1, 2, 3}
    assert {point["kind"] + point["pair"] for point in points} == {"ax", "ay", "bx", "by"}
    decades = Counter(len(f"{int(1 / point['alpha'])}") for point in points)
    assert all(decades[digits] > 50 for digits in (1, 2, 3, 4))
    assert all(isinstance(point["width"], int) and 1 <= point["width"] <= 1000 for point in points)
    assert len({point["noise"] for point in points}) == 300


def test_a_distribution_of_scipy_is_drawn_from():
    """By the seed of the sample."""
    stats = pytest.importorskip("scipy.stats")

    points = sweep.sample(3, seed=1, rate=stats.uniform(5, 1))

    assert points == sweep.sample(3, seed=1, rate=stats.uniform(5, 1))
    assert all(type(point["rate"]) is float and 5 <= point["rate"] <= 6 for point in points)


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: sweep.grid(rate=0.1), r'axis "rate": 0.1 is one value: write \[0.1\]'),
        (lambda: sweep.grid(kind="abc"), r"""axis "kind": 'abc' is one value: write \['abc'\]"""),
        (lambda: sweep.grid(rate=[]), 'axis "rate" has no values'),
        (sweep.grid, r"grid: no axis is given: write grid\(name=\[...\]\)"),
        (lambda: sweep.grid({"a": [1]}, a=[2]), 'grid: axis "a" is there twice'),
        (lambda: sweep.grid({3: [1]}), "the name of a parameter is a text, not 3"),
        (lambda: sweep.grid(rate=sweep.log(1, 2)), "lists no values: draw them with sample"),
        (lambda: sweep.zip(a=[1], b=[1, 2]), "same length, and a has 1, b has 2: use grid"),
        (lambda: sweep.zip([{"a": [1]}]), "by name=values or a mapping of these"),
        (lambda: sweep.sample({"a": [1]}), "the first argument is how many points"),
        (lambda: sweep.sample(0, a=[1]), "the first argument is how many points, not 0"),
        (lambda: sweep.sample(3, a=(1, 0)), r'axis "a": \(1, 0\) is a range .* lower one first'),
        (lambda: sweep.sample(3, a=5), r'axis "a": 5 is one value'),
        (lambda: sweep.log(0, 1), r"log\(0, 1\): it takes two numbers, 0 < low < high"),
        (lambda: sweep.grid(a=[1]) + {"a": 2}, r"\+ takes a sweep or a list of dicts, not {'a': 2"),
        (lambda: sweep.grid(a=[1]) * 3, r"\* takes a sweep or a list of dicts, not 3"),
        (lambda: sweep.grid(a=[1]) * sweep.grid(a=[2]), 'both sides of \\* set "a"'),
    ],
)
def test_a_mistake_is_one_line_with_its_place(make, text):
    """What is wrong, the way out, and the line of the user's code."""
    with pytest.raises(DefinitionError, match=rf"^sweep: .*{text}.*test_sweep.py:\d+\)$"):
        make()


def test_a_sweep_shows_its_first_points():
    """And how many there are."""
    assert repr(sweep.grid(a=range(5))) == "<5 points: {'a': 0}, {'a': 1}, {'a': 2}, ...>"
    assert repr(sweep.grid(a=[1])) == "<1 points: {'a': 1}>"
