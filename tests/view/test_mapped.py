"""Mapped stages in text, diagrams, plans and on the console."""

from __future__ import annotations

import threading

import pytest

from pypedream import Parameters, Pipeline, Stage, patterns
from pypedream.log import MemorySink
from pypedream.log.status import Status
from pypedream.view import to_mermaid, to_svg, tree_text
from pypedream.view.chips import chip_of
from pypedream.view.description import Node


@pytest.fixture
def flow():
    def bad(n):
        if n == 3:
            raise ValueError("bad")
        return n

    flow = Pipeline("flow", Parameters.define(ns=range(1000), k=2, a=[1, 2], b=[1, 2, 3]))
    flow.stage(Stage(bad, over={"n": "ns"}, on_error="collect", name="load"))
    flow.stage(Stage(lambda load, k: k, over="load", name="square"))
    flow.stage(Stage(lambda a, b: a * b, over=patterns.cross("a", "b"), name="grid"))
    return flow


def test_a_tree_says_what_is_mapped_over(flow):
    """Before the arguments that all items share."""
    assert tree_text(flow).splitlines()[1:] == [
        '  ●  load    map over n <- parameter "ns"',
        "  ○  square  map over load; k <- parameter",
        "  ○  grid    cross over a, b <- parameters",
    ]


def test_a_plan_says_how_many_items_there_are(flow):
    """As far as that is known before the run."""
    plan = flow.plan()

    assert str(plan).splitlines()[1:] == [
        "  load    run    map over ns, 1,000 items: no earlier result is kept",
        "  square  run    map over load: no earlier result is kept",
        "  grid    run    cross over a, b, 6 items: no earlier result is kept",
    ]
    assert [one.items for one in plan.stages.values()] == [1000, None, 6]


@pytest.mark.parametrize(
    "over, items",
    [
        (("a", "b"), None),
        (patterns.nest("a"), None),
        (("a", "c"), 2),
        ({"a": "d"}, None),
    ],
    ids=["unequal", "nest", "zip", "class"],
)
def test_a_count_that_cannot_be_told_is_not_guessed(over, items):
    """Nor does the plan ask a class of the user's."""

    class Mine(list):
        def __len__(self):
            raise AssertionError("the plan calls nothing")

    parameters = Parameters.define(a=[1, 2], b=[1], c=(3, 4), d=Mine([1]))
    flow = Pipeline("flow", parameters)
    flow.stage(Stage(lambda a, b, c: 1, over=over, name="stage"))

    assert flow.plan().stages["stage"].items == items


def test_a_run_says_how_many_items_failed(flow):
    """In its text and in the tree."""
    run = flow.run(progress=False)

    assert (
        str(run)
        .splitlines()[1]
        .startswith("  load    ok           1,000 items, 1 failed: [0, 1, 2, ")
    )
    assert "1,000 items, 1 failed" in tree_text(run)
    assert run.stages["grid"].items_said == "6 items"


def test_a_run_that_stopped_says_how_many_were_not_called():
    """And what the first failure was."""

    def bad(n):
        raise ValueError(f"bad {n}")

    flow = Pipeline("flow", Parameters.define(ns=[1, 2, 3]))
    flow.stage(Stage(bad, over={"n": "ns"}))
    with pytest.raises(ValueError, match="bad 1"):
        flow.run(progress=False)

    text = str(flow.last_run)

    assert "3 items, 1 failed, 2 not called: ValueError: bad 1" in text


@pytest.mark.parametrize(
    "items, count",
    [
        ({}, ""),
        ({"ok": 3}, "\N{MULTIPLICATION SIGN}3"),
        ({"ok": 1, "failed": 1, "pending": 1}, "2/3"),
        ({"ok": 120, "pending": 880}, "12 %"),
    ],
    ids=["unknown", "done", "going on", "many"],
)
def test_a_box_says_how_many_items_are_done(items, count):
    """In no more letters than it has room for from the start."""
    assert Node("half", "half", is_mapped=True, items=items).count == count
    running = Node("half", "half", state="running", is_mapped=True, items=items)
    waiting = Node("half", "half", state="pending", is_mapped=True)

    assert chip_of(running, "run").size == chip_of(waiting, "run").size


def test_diagrams_mark_what_is_called_many_times(flow):
    """Mermaid by a double edge and in words, SVG by a second box and in the tooltip."""
    flow.stage(lambda grid: grid, name="plain")

    mermaid, svg = to_mermaid(flow), to_svg(flow)

    assert 'n0[["load, map over ns"]]:::stage' in mermaid
    assert 'n3["plain"]:::stage' in mermaid
    assert svg.count('fill-opacity=".45"') == 3
    assert "cross over a, b" in svg


def test_progress_is_told_once_a_second():
    """Of a mapped stage, with the number of items if that is known."""
    sink = MemorySink()
    flow = Pipeline("flow", Parameters.define(ns=range(24)))
    flow.stage(Stage(lambda n: threading.Event().wait(0.05), over={"n": "ns"}, name="stage"))

    flow.run(sinks=sink, progress=False)

    told = [event for event in sink.events if event.kind == "progress"]
    assert len(told) == 1
    assert told[0].data["total"] == 24
    assert 0 < told[0].data["done"] < 24
    status = Status(1)
    status.take(told[0])
    assert f"{told[0].data['done']}/24" in status.text(has_glyphs=False)


def test_the_console_says_how_many_items_went_well(flow, capsys):
    """At the end of a stage, in brackets."""
    flow.run(progress=True)

    out = capsys.readouterr().out
    assert "(1,000 items, 1 failed)" in out
    assert "(6 items)" in out


def test_what_all_items_share_stands_after_the_semicolon():
    """Whichever kinds of places the items come from."""
    flow = Pipeline("mixed", Parameters.define(models=["a"], rate=1))
    flow.stage(lambda: [1], name="load")
    over = patterns.cross("load", {"model": "models"})
    flow.stage(lambda load, model, rate: 0, name="score", over=over)

    assert (
        tree_text(flow)
        .splitlines()[-1]
        .endswith('score  cross over load, model <- parameter "models"; rate <- parameter')
    )
