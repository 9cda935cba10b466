"""Workflows with stages that are mapped over items."""

from __future__ import annotations

from pypedream import Parameter, Parameters, Pipeline, dependency, patterns
from pypedream.errors import ExitPipeline

squares = Pipeline("squares", Parameters.define(n=3))


@squares.stage
def numbers(n):
    return list(range(n))


@squares.stage(over={"number": "numbers"})
def square(number):
    return number**2


@squares.stage
def total(square):
    return sum(square)


@squares.stage(over={"one": "square"})
def half(one):
    return one / 2


@squares.stage
def halves(half, square):
    return [half, square]


variants = Pipeline(
    "variants",
    Parameters.define(
        names=["a", "b"],
        sizes=[1, 2],
        files=Parameter(dict, {"north": 3, "south": 4}),
        rows=[[1, 2], [], [3]],
    ),
)


@variants.stage(over=("names", "sizes"))
def zipped(names, sizes):
    return names * sizes


@variants.stage(over=patterns.cross("names", "sizes"))
def crossed(names, sizes):
    return (names, sizes)


@variants.stage(over=patterns.cross("names", {"size": "sizes"}), collect="numpy")
def table(names, size):
    return len(names) * size * 0.5


@variants.stage(over={"file": "files"})
def keyed(file):
    return file * 10


@variants.stage(over="keyed")
def again(keyed):
    return keyed + 1


@variants.stage(over=patterns.nest("rows"))
def nested(rows):
    return rows * 10


@variants.stage
def summary(zipped, crossed, keyed, again, nested):
    return {"zipped": zipped, "crossed": crossed, "keys": list(again), "nested": nested}


@variants.stage
def shape(table):
    return [*table.shape, str(table.dtype)]


# More items than Airflow makes tasks of one stage.
many = Pipeline("many", Parameters.define(n=2500))
many.stage(numbers)
many.stage(square, over={"number": "numbers"})
many.stage(total)


# A mapped stage within a pipeline that is included.
outer = Pipeline("outer", Parameters.define(offset=10))
outer.include(squares, prefix="part")


@outer.stage(inputs=[dependency("part.square", "square")])
def moved(square, offset):
    return [each + offset for each in square]


@outer.stage(inputs=[dependency("part.half", "half")], over="half")
def negative(half):
    return -half


# An item that ends the run, and one that is collected as a failure.
endings = Pipeline("endings", Parameters.define(n=3))
endings.stage(numbers)


@endings.stage(over={"number": "numbers"}, on_error="collect")
def inverse(number):
    return 1 / number


@endings.stage
def good(inverse):
    return [one for one in inverse if isinstance(one, float)]


ended = Pipeline("ended", Parameters.define(stop=True))


@ended.stage
def first(stop):
    if stop:
        raise ExitPipeline("nothing new")
    return 1


@ended.stage
def second(first):
    return first + 1
