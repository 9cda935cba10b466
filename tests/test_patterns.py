"""Patterns: stages that are called for many items, that fold them, or that choose what to call."""

from __future__ import annotations

import asyncio
from functools import partial, reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream import (
    Input,
    InputBinding,
    Parameters,
    Pipeline,
    Stage,
    Variables,
    context,
    immediate,
    patterns,
)
from pypedream.errors import DefinitionError, MapError, PlanError

EXECUTORS = ("serial", "threads")


def flow_of(**parameters: object) -> Pipeline:
    return Pipeline("flow", Parameters.define(**parameters))


def said(run: object) -> list[str]:
    return [event.event for event in run.events if event.kind == "log"]


@pytest.mark.parametrize("executor", EXECUTORS)
@given(st.lists(st.integers()))
def test_a_map_is_a_comprehension(executor, numbers):
    """The results of all items, each in its place."""
    flow = flow_of(numbers=numbers)
    flow.stage(patterns.map(lambda n: n * n, over={"n": "numbers"}, name="squares"))

    assert flow.run(executor=executor)["squares"] == [n * n for n in numbers]


def test_a_map_is_over_the_first_argument_if_nothing_is_said():
    """The others are the same for every item."""
    flow = flow_of(numbers=[1, 2], factor=10)
    flow.stage(patterns.map(lambda numbers, factor: numbers * factor, name="scaled"))

    assert flow.run()["scaled"] == [10, 20]


def test_the_function_of_a_mapped_stage_stays_as_it_is():
    """It is called with one item."""
    flow = flow_of(numbers=[1, 2])

    @flow.stage(over="numbers")
    def double(numbers):
        return 2 * numbers

    assert double(4) == 8


def test_keys_go_along():
    """What is mapped over a mapping gives one with the same keys, and so does what follows."""
    flow = flow_of(files={"a": 1, "b": 2})
    flow.stage(Stage(lambda file: file * 10, over={"file": "files"}, name="load"))
    flow.stage(Stage(lambda load: load + 1, over="load", name="clean"))
    flow.stage(Stage(lambda load, clean: (load, clean), over=("load", "clean"), name="both"))

    run = flow.run()

    assert run["clean"] == {"a": 11, "b": 21}
    assert run["both"] == {"a": (10, 11), "b": (20, 21)}


def test_a_consumer_of_a_mapped_stage_gets_all_results():
    """Unless it is mapped over it itself."""
    flow = flow_of(numbers=[1, 2])
    flow.stage(patterns.map(lambda numbers: numbers * 10, name="tens"))
    flow.stage(lambda tens: tens[::-1], name="total")

    assert flow.run()["total"] == [20, 10]


def test_other_arguments_are_bound_as_ever():
    """Explicit inputs, defaults, variables and stages are the same for every item."""
    flow = Pipeline("flow", Parameters.define(ns=[1, 2]), variables=Variables.define(v=100))
    flow.stage(lambda: 1000, name="base")

    def stage(n, k, v, base, d=10000):
        return n + k + v + base + d

    inputs = [immediate(10, "k"), Input("n", InputBinding.immediate([1, 2]))]
    flow.stage(Stage(stage, inputs, over="n"))

    assert flow.run()["stage"] == [11111, 11112]


class Scale:
    factor = 3

    def __call__(self, ns):
        return ns * self.factor

    def scale(self, ns):
        return ns * self.factor

    @classmethod
    def scale_class(cls, ns):
        return ns * cls.factor


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    "function, over",
    [
        (Scale().scale, "ns"),
        (Scale(), "ns"),
        (Scale.scale_class, "ns"),
        (partial(lambda factor, ns: factor * ns, 3), "ns"),
        (partial(lambda factor, ns: factor * ns, factor=3), "ns"),
        (lambda n, /: n * 3, {"n": "ns"}),
        (lambda **given: given["ns"] * 3, "ns"),
    ],
    ids=["method", "object", "classmethod", "partial", "keyword", "positional", "any"],
)
def test_any_callable_can_be_mapped(executor, function, over):
    """Not only functions."""
    flow = flow_of(ns=[1, 2])
    flow.stage(Stage(function, over=over, name="stage"))

    assert flow.run(executor=executor)["stage"] == [3, 6]


def test_a_builtin_can_be_mapped():
    """Also one that does not say what it takes."""
    flow = flow_of(ns=[-1, 2])
    flow.stage(Stage(abs, over={"x": "ns"}))
    flow.stage(Stage(str, over={"object": "ns"}))

    run = flow.run()

    assert (run["abs"], run["str"]) == ([1, 2], ["-1", "2"])


def test_a_generator_is_collected_for_each_item():
    """As it is for a stage that is not mapped."""
    flow = flow_of(ns=[1, 2])

    @flow.stage(over="ns")
    def repeated(ns):
        yield ns
        yield ns

    @flow.stage(over="ns")
    async def awaited(ns):
        yield ns
        yield -ns

    run = flow.run()

    assert run == {"repeated": [[1, 1], [2, 2]], "awaited": [[1, -1], [2, -2]]}


def test_async_stages_are_mapped():
    """Several items are awaited at the same time; the results are in order."""
    flow = flow_of(ns=[3, 2, 1])
    waiting = []

    @flow.stage(over="ns")
    async def stage(ns):
        waiting.append(ns)
        while len(waiting) < 3:
            await asyncio.sleep(0)
        return ns * 10

    assert flow.run()["stage"] == [30, 20, 10]


def test_an_item_knows_its_stage_and_its_key():
    """What it prints is known to be its own."""
    flow = flow_of(ns={"a": 1, "b": 2})

    @flow.stage(over="ns")
    def stage(ns):
        print("item", ns)
        attempt = context.STAGE.get()
        return attempt.stage, attempt.item, attempt.number

    run = flow.run(progress=False)

    assert run["stage"] == {"a": ("stage", "a", 1), "b": ("stage", "b", 1)}
    printed = [(event.item, event.event) for event in run.events if event.kind == "print"]
    assert printed == [("a", "item 1"), ("b", "item 2")]


def test_a_stage_of_an_included_pipeline_is_mapped_over_its_own_names():
    """The names of the pipeline that includes it do not matter."""
    inner = Pipeline("inner", Parameters.define(ns=[1, 2], factor=3))
    inner.stage(Stage(lambda n, factor: n * factor, over={"n": "ns"}, name="scaled"))
    inner.stage(Stage(lambda scaled: scaled + 1, over="scaled", name="next"))
    flow = flow_of(ns=[100])
    flow.include(inner, prefix="in")

    assert flow.run() == {"in.scaled": [3, 6], "in.next": [4, 7]}


def test_an_output_mapper_sees_all_results():
    """It names outputs of the stage, not of an item."""
    flow = flow_of(ns=[1, 2])
    flow.stage(
        Stage(lambda ns: ns, over="ns", output_mapper=lambda all_: {"last": all_[-1]}, name="stage")
    )

    assert flow.run().outputs["stage"]["last"] == 2


@pytest.mark.parametrize("go, left", [(True, [1, 2]), (False, None)], ids=["holds", "not"])
def test_a_mapped_stage_may_have_a_condition(go, left):
    """It is asked once for the stage; one whose results are not there is not called either."""
    flow = flow_of(ns=[1, 2], go=go)
    flow.stage(Stage(lambda ns: ns, over="ns", when="go", name="stage"))
    flow.stage(lambda stage=None: stage, name="after")

    assert flow.run()["after"] == left


def test_a_value_can_be_given_in_place_of_a_mapped_stage():
    """Nothing is called for it."""
    flow = flow_of(ns=[1, 2])
    flow.stage(Stage(lambda ns: 1 / 0, over="ns", name="stage"))
    flow.stage(Stage(lambda stage: stage * 2, over="stage", name="after"))

    assert flow.run(given={"stage": [5, 6]})["after"] == [10, 12]


@pytest.mark.parametrize("mutation", ["warn", "copy"])
def test_a_change_of_an_item_in_place_is_noticed(mutation):
    """It reaches whoever reads the whole."""
    flow = flow_of(rows=[[1], [2]])

    @flow.stage(over={"row": "rows"})
    def grown(row):
        row.append(0)
        return row

    flow.stage(lambda rows, grown: [len(row) for row in rows], name="lengths")

    run = flow.run(mutation=mutation, progress=False)

    warned = [event.event for event in run.events if event.kind == "warning"]
    assert run["lengths"] == ([2, 2] if mutation == "warn" else [1, 1])
    assert bool(warned) == (mutation == "warn")


def test_a_stage_that_returns_an_iterator_streams():
    """Nobody holds all its items at the same time."""
    flow = flow_of(count=50)
    alive, most = [0], [0]

    class Item:
        def __init__(self):
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        def __del__(self):
            alive[0] -= 1

    flow.stage(lambda count: (Item() for _ in range(count)), name="items")
    flow.stage(Stage(lambda items: type(items).__name__, over="items", name="names", chunk=1))

    assert flow.run()["names"] == ["Item"] * 50
    assert most[0] <= 3


def test_zip_says_what_goes_together():
    """The first items of all, then the second ones."""
    flow = flow_of(a=[1, 2], b=[3, 4])
    flow.stage(lambda a, b: (a, b), over=patterns.zip("a", "b"), name="said")
    flow.stage(patterns.zip(lambda a, b: (a, b), over=("a", "b"), name="made"))

    assert flow.run() == {"said": [(1, 3), (2, 4)], "made": [(1, 3), (2, 4)]}


@given(st.lists(st.lists(st.integers(), max_size=3), min_size=3, max_size=3))
def test_a_cross_of_three_is_a_nested_comprehension(axes):
    """The last axis is the innermost."""
    flow = flow_of(a=axes[0], b=axes[1], c=axes[2])
    flow.stage(patterns.cross(lambda a, b, c: (a, b, c), over=("a", "b", "c"), name="all"))

    expected = [[[(a, b, c) for c in axes[2]] for b in axes[1]] for a in axes[0]]
    assert flow.run()["all"] == expected


def test_a_cross_names_the_sources_of_some_of_its_arguments():
    """A name beside a mapping from argument to source."""
    flow = flow_of(a=[1, 2], bs=[3, 4])
    flow.stage(lambda a, b: a * b, over=patterns.cross("a", {"b": "bs"}), name="products")

    assert flow.run()["products"] == [[3, 4], [6, 8]]


def test_nest_keeps_lists_within_lists():
    """Also where they have different lengths."""
    flow = flow_of(rows=[[1, 2], [], [3]])
    flow.stage(lambda rows: rows * 10, over=patterns.nest("rows"), name="tens")

    assert flow.run()["tens"] == [[10, 20], [], [30]]


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: patterns.zip("a", over="b"), 'zip: write zip."first", "second"., or zip'),
        (lambda: patterns.cross("a", "b", name="x"), "cross: name is for the stage: write it"),
        (lambda: patterns.nest("a", depth=0), "nest: depth=0 is no number of levels"),
        (lambda: patterns.nest("a", "b"), "nest takes one argument"),
        (lambda: patterns.map(lambda: 1), "map: the function takes no argument"),
        (lambda: patterns.reduce(max, over=["a"]), "reduce: over=.* is not a name"),
        (lambda: patterns.reduce(3, over="a"), "reduce takes functions, and 3 is none"),
        (lambda: patterns.switch("a", [min]), "switch: cases= takes a mapping from value to"),
        (lambda: patterns.broadcast(min, over="a"), "broadcast takes several functions in a list"),
        (lambda: patterns.broadcast([min, min], over="a"), 'two functions are called "min"'),
    ],
    ids=["zip", "cross", "depth", "nest", "map", "over", "fold", "switch", "broadcast", "names"],
)
def test_a_pattern_that_cannot_be_is_refused_at_once(make, said):
    """In one line, at the line of the user's."""
    with pytest.raises(DefinitionError, match=said) as caught:
        make()

    assert "test_patterns.py" in str(caught.value)


def test_a_choice_does_not_take_async_functions():
    """One writes two stages with a condition."""

    async def later():
        return 1

    with pytest.raises(DefinitionError, match="branch: later is async: write it as a stage with"):
        patterns.branch("quick", then=later)


@given(st.lists(st.integers(), min_size=1))
def test_reduce_folds_from_the_first_on(numbers):
    """As `functools.reduce` does."""
    flow = flow_of(numbers=numbers, factor=3)

    def step(total, number, factor):
        return total * factor - number

    flow.stage(patterns.reduce(step, over="numbers", name="folded"))

    expected = reduce(lambda total, number: step(total, number, 3), numbers)
    assert flow.run()["folded"] == expected


def test_reduce_begins_with_what_is_said():
    """Then there need be no items."""
    flow = flow_of(numbers=[], words={"x": "a", "y": "b"})
    flow.stage(patterns.reduce(lambda t, n: t + n, over="numbers", initial=7, name="none"))
    flow.stage(patterns.reduce(lambda t, n: t + n, over="words", initial="", name="values"))

    assert flow.run() == {"none": 7, "values": "ab"}


@pytest.mark.parametrize(
    "numbers, said",
    [
        ([], '"numbers" has no items, and there is no initial= to begin with'),
        (3, '"numbers" is 3, which has no items'),
        ("abc", "\"numbers\" is 'abc', which has no items"),
    ],
    ids=["empty", "number", "text"],
)
def test_what_has_no_items_cannot_be_folded(numbers, said):
    """It says so."""
    flow = flow_of(numbers=numbers)
    flow.stage(patterns.reduce(lambda total, n: total + n, over="numbers", name="total"))

    with pytest.raises(MapError, match=said):
        flow.run()


def test_reduce_takes_what_a_mapped_stage_gives():
    """Of a mapping the values."""
    flow = flow_of(files={"a": 1, "b": 2})
    flow.stage(Stage(lambda file: file * 10, over={"file": "files"}, name="sizes"))
    flow.stage(patterns.reduce(lambda total, size: total + size, over="sizes", name="total"))

    assert flow.run()["total"] == 30


@pytest.mark.parametrize(
    "rows, fitted, why",
    [(5, "quick 5", "branch: True, so quick"), (50, "slow 50", "branch: False, so slow")],
    ids=["holds", "not"],
)
def test_a_branch_calls_one_of_two(rows, fitted, why):
    """And says which and why."""
    flow = flow_of(rows=rows, most=10)

    def quick(rows):
        return f"quick {rows}"

    def slow(rows):
        return f"slow {rows}"

    flow.stage(patterns.branch(lambda rows, most: rows < most, quick, slow, name="fit"))

    run = flow.run(progress=False)

    assert run["fit"] == fitted
    assert said(run) == [why]


def test_a_branch_without_another_way_gives_none():
    """It says that as well."""
    flow = flow_of(is_quick=False)
    flow.stage(patterns.branch("is_quick", lambda: 1, name="fit"))

    run = flow.run(progress=False)

    assert run["fit"] is None
    assert said(run) == ["branch: False, so nothing"]


@pytest.mark.parametrize(
    "kind, model, why",
    [
        ("linear", 1, "switch: 'linear', so its case"),
        ("other", 3, "switch: 'other', so fallback"),
    ],
    ids=["case", "default"],
)
def test_a_switch_calls_the_function_of_the_case(kind, model, why):
    """Or the default; and says which."""
    flow = flow_of(kind=kind)

    def fallback():
        return 3

    flow.stage(patterns.switch("kind", {"linear": lambda: 1}, default=fallback, name="model"))

    run = flow.run(progress=False)

    assert run["model"] == model
    assert said(run) == [why]


def test_a_value_without_a_case_is_an_error():
    """With the nearest one, or those that there are."""
    flow = flow_of(kind="linaer")
    flow.stage(patterns.switch("kind", {"linear": lambda: 1}, name="model"))

    with pytest.raises(MapError, match=r"no case for 'linaer'; did you mean \"linear\"\?"):
        flow.run()
    with pytest.raises(MapError, match="no case for 3: there is only linear"):
        flow.run(kind=3)


def test_what_the_ways_of_a_branch_take_is_bound_by_name():
    """A name that nothing gives a value is a mistake of the plan."""
    flow = flow_of(quick=True)
    flow.stage(patterns.branch("quick", lambda rows: rows, lambda: 1, name="fit"))

    with pytest.raises(PlanError, match='nothing gives its argument "rows" a value'):
        flow.plan()


def test_an_argument_with_a_default_everywhere_need_not_be_there():
    """With a default in one of the ways only it has to."""
    flow = flow_of(quick=True)
    flow.stage(patterns.branch("quick", lambda k=5: k, lambda k=6: k, name="fit"))

    assert flow.run()["fit"] == 5
    assert flow.run(quick=False)["fit"] == 6


def test_broadcast_gives_one_value_to_several():
    """Each is an item, known by its name, with further arguments of its own."""
    flow = flow_of(numbers=[1, 2, 6], q=0.5)
    several = {"low": min, "high": max, "part": lambda numbers, q: q * max(numbers)}
    flow.stage(patterns.broadcast(several, over="numbers"))

    run = flow.run()

    assert run["broadcast"] == {"low": 1, "high": 6, "part": 3.0}
    assert [item.key for item in run.stages["broadcast"].items] == ["low", "high", "part"]


def test_one_of_several_may_fail_alone():
    """The others still give something."""
    flow = flow_of(numbers=[])
    flow.stage(patterns.broadcast([len, max], over="numbers", on_error="collect", name="summary"))

    summary = flow.run()["summary"]

    assert summary["len"] == 0
    assert (summary["max"].item, type(summary["max"].error)) == ("max", ValueError)


@pytest.mark.parametrize(
    "before, after",
    [
        (
            lambda: patterns.reduce(lambda t, n: t + n, over="ns"),
            lambda: patterns.reduce(lambda t, n: t * n + 1, over="ns"),
        ),
        (
            lambda: patterns.reduce(max, over="ns", initial=0),
            lambda: patterns.reduce(max, over="ns", initial=10),
        ),
        (
            lambda: patterns.branch("k", lambda: 1, lambda: 2),
            lambda: patterns.branch("k", lambda: 3, lambda: 2),
        ),
        (
            lambda: patterns.branch(lambda k: k > 0, lambda: 1, lambda: 2),
            lambda: patterns.branch(lambda k: k < 0, lambda: 1, lambda: 2),
        ),
        (
            lambda: patterns.switch("k", {1: lambda: 1}),
            lambda: patterns.switch("k", {1: lambda: 2}),
        ),
        (
            lambda: patterns.switch("k", {2: lambda: 1}, default=lambda: 1),
            lambda: patterns.switch("k", {2: lambda: 1}, default=lambda: 2),
        ),
        (
            lambda: patterns.broadcast({"a": lambda ns: ns[0]}, over="ns"),
            lambda: patterns.broadcast({"a": lambda ns: ns[-1]}, over="ns"),
        ),
    ],
    ids=["reduce", "initial", "then", "when", "case", "default", "broadcast"],
)
def test_what_a_pattern_calls_is_part_of_its_code(tmp_path, before, after):
    """A kept result is taken over while all of it is the same, and no longer."""
    found = []
    for make in (before, before, after):
        flow = Pipeline("flow", Parameters.define(ns=[1, 2, 3], k=1), workspace=tmp_path)
        flow.stage(make(), name="stage")
        run = flow.run(cache="cached", progress=False)
        found.append((run.stages["stage"].state, run["stage"]))

    (state, first), again, (last_state, last) = found
    assert (state, again, last_state) == ("ok", ("reused", first), "ok")
    assert last != first
