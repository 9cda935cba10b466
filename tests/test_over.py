"""Over: what ``over=`` may say, and what the plan says when it cannot be."""

from __future__ import annotations

import pytest

from pypedream import Input, InputBinding, Parameters, Pipeline, Stage, patterns
from pypedream.errors import MapError, PlanError
from pypedream.over import CROSS, NEST, Over, over_of, refuse_what_has_no_items


def problems(**policy: object) -> list[str]:
    flow = Pipeline("flow", Parameters.define(numbers=[1, 2], names=["a"]))
    flow.stage(Stage(lambda number, numbers=(): number, name="stage", **policy))
    with pytest.raises(PlanError) as caught:
        flow.plan()
    return [f"{one.what}: {one.hint}" if one.hint else one.what for one in caught.value.problems]


@pytest.mark.parametrize(
    "given, names, sources",
    [
        ("a", ("a",), {}),
        (("a", "b"), ("a", "b"), {}),
        (["a"], ("a",), {}),
        ({"a": "x", "b": "y"}, ("a", "b"), {"a": "x", "b": "y"}),
        (("a", {"b": "y"}), ("a", "b"), {"b": "y"}),
        (Over(("a",), CROSS), ("a",), {}),
    ],
    ids=["name", "tuple", "list", "mapping", "both", "over"],
)
def test_over_may_be_said_in_several_ways(given, names, sources):
    """A name, several names, from argument to source, or what a pattern returns."""
    over = over_of(given)

    assert (over.names, dict(over.sources)) == (names, sources)


def test_the_source_of_an_argument_is_its_own_name_unless_said():
    """``over={"file": "files"}`` binds *file* by the name files."""
    over = over_of({"file": "files"})

    assert (over.source("file"), over.source("other")) == ("files", "other")


def test_axes_bear_the_names_of_their_sources():
    """Of a cross one for each argument, of nested items one for each level."""
    cross = Over(("rate", "depth"), CROSS, sources={"rate": "rates"})

    assert cross.axes == ("rates", "depth")
    assert Over(("rows",), NEST, 3).axes == ("rows", "rows_1", "rows_2")
    assert Over(("a", "b")).axes == ("a",)


@pytest.mark.parametrize(
    "policy, problem",
    [
        (
            {"over": "nubmer"},
            'stage "stage": over=: its function has no argument "nubmer"; did you mean "number"?',
        ),
        (
            {"over": {"number": "nubmers"}},
            (
                'stage "stage": over=: no parameter, variable or stage "nubmers";'
                ' did you mean "numbers"?'
            ),
        ),
        (
            {"over": {"number": [1, 2]}},
            (
                'stage "stage": over=: [1, 2] is no name of a source: give values by'
                ' inputs=[immediate([1, 2], "number")], over="number"'
            ),
        ),
        (
            {"over": ()},
            'stage "stage": over= names no argument: write over="files"',
        ),
        (
            {"over": ("numbers", "numbers")},
            'stage "stage": over= names "numbers" twice',
        ),
        (
            {"over": 3},
            (
                'stage "stage": over=3 is not the name of an argument, a list of names, or from'
                " argument to name"
            ),
        ),
        (
            {"over": ("numbers", ["names"])},
            (
                "stage \"stage\": over=('numbers', ['names']) is not the name of an argument, a"
                " list of names, or from argument to name"
            ),
        ),
        (
            {"collect": "numpy"},
            'stage "stage": collect= is for a mapped stage: say by over= what it maps',
        ),
        (
            {"over": "numbers", "collect": "nump"},
            (
                'stage "stage": collect=\'nump\' is not "list", "numpy" or "xarray";'
                ' did you mean "numpy"?'
            ),
        ),
        (
            {"over": "numbers", "chunk": 0},
            'stage "stage": chunk=0 is not a number of items from 1 up',
        ),
        (
            {"over": "numbers", "item_key": 3},
            'stage "stage": item_key=3 is not a function of an item',
        ),
    ],
    ids=[
        "argument",
        "source",
        "values",
        "nothing",
        "twice",
        "number",
        "list",
        "collect-alone",
        "collect",
        "chunk",
        "item_key",
    ],
)
def test_what_cannot_be_mapped_over_is_told_by_the_plan(policy, problem):
    """In one line, with the nearest name or the fix."""
    assert problem in problems(**policy)


@pytest.mark.parametrize(
    "over", ["file", "files", {"files": "file"}], ids=["argument", "source", "inverted"]
)
def test_an_item_that_is_called_otherwise_than_its_source_is_told_how_to_say_so(over):
    """What one writes first names only one of the two, or the other one first."""
    flow = Pipeline("flow", Parameters.define(files=["a"]))
    flow.stage(Stage(lambda file: file, name="stage", over=over))

    with pytest.raises(PlanError) as caught:
        flow.plan()

    assert caught.value.problems[0].what == (
        'stage "stage": nothing gives its argument "file" a value;'
        ' did you mean over={"file": "files"}?'
    )


def test_an_argument_is_bound_by_over_or_by_inputs():
    """Two sources for one argument are a mistake of the stage."""
    given = Input("number", InputBinding.immediate([1]))

    (problem,) = problems(over={"number": "numbers"}, inputs=[given])

    assert problem == (
        'stage "stage": argument "number" is bound by over= and by inputs=: remove one:'
        ' over="number" maps over what inputs= gives it'
    )


def test_a_function_that_takes_any_keyword_is_mapped_over_one():
    """What ``over=`` names is bound, though the function does not."""
    flow = Pipeline("flow", Parameters.define(numbers=[1, 2]))
    flow.stage(Stage(lambda **given: given, over={"n": "numbers"}, name="stage"))

    assert flow.run()["stage"] == [{"n": 1}, {"n": 2}]


def test_a_default_may_be_mapped_over():
    """An argument that nothing gives a value has its default, whose items are taken."""
    flow = Pipeline("flow")
    flow.stage(Stage(lambda size=(1, 2): size * 10, over="size", name="stage"))

    assert flow.run()["stage"] == [10, 20]


@pytest.mark.parametrize(
    "value, said",
    [
        ("abc", "'abc', which has no items to map over: to call the stage with one text"),
        (b"abc", "b'abc', which has no items to map over: to call the stage with one text"),
        (3, "3, which has no items to map over: give a list"),
        (None, "None, which has no items to map over: give a list"),
    ],
    ids=["text", "bytes", "number", "nothing"],
)
def test_what_has_no_items_is_refused(value, said):
    """The letters of a text are hardly what one wants to map over."""
    with pytest.raises(MapError, match=r'^"xs" is ') as caught:
        refuse_what_has_no_items("xs", value)

    assert said in str(caught.value)


def test_a_table_is_refused_with_how_to_get_at_its_rows():
    """Its items would be the names of its columns, or its columns."""
    pandas = pytest.importorskip("pandas")
    flow = Pipeline("flow", Parameters.define(table=pandas.DataFrame({"a": [1]})))
    flow.stage(patterns.map(lambda table: table, name="stage"))

    with pytest.raises(MapError, match=r'map over its rows, table\.to_dict\("records"\)'):
        flow.run()


def test_a_table_of_polars_is_refused_as_well():
    """Read or not."""
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"a": [1]})

    with pytest.raises(MapError, match=r"map over its rows, xs\.iter_rows\(named=True\)"):
        refuse_what_has_no_items("xs", table)
    with pytest.raises(MapError, match="read it into rows first"):
        refuse_what_has_no_items("xs", table.lazy())


def test_an_array_without_axes_is_refused():
    """It is one number."""
    numpy = pytest.importorskip("numpy")

    with pytest.raises(MapError, match="which has no items to map over: give a list"):
        refuse_what_has_no_items("xs", numpy.array(3))
