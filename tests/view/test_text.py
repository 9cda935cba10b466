from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream import Parameters, Pipeline
from pypedream.view import tree_text
from pypedream.view.description import Argument, Description, Edge, Node


def pictured(edges: list[tuple[str, str]], **more: object) -> Description:
    """A description of stages that read each other's values by name."""
    keys = dict.fromkeys(key for edge in edges for key in edge)
    nodes = tuple(
        Node(key, key, arguments=tuple(Argument(a, "stage", a) for a, b in edges if b == key))
        for key in keys
    )
    return Description(
        "flow", "pipeline", "flow", nodes, tuple(Edge(*edge) for edge in edges), **more
    )  # type: ignore[arg-type]


CHAIN = [("load", "clean"), ("clean", "model"), ("model", "report")]
DIAMOND = [("load", "left"), ("load", "right"), ("left", "join"), ("right", "join")]
SKIP = [("load", "clean"), ("clean", "model"), ("load", "report"), ("model", "report")]


@pytest.mark.parametrize(
    "edges, text",
    [
        pytest.param(
            CHAIN,
            """
            flow
              ●  load
              ●  clean   load
              ●  model   clean
              ○  report  model
            """,
            id="chain",
        ),
        pytest.param(
            DIAMOND,
            """
            flow
              ●    load
              ├─●  left   load
              ● │  right  load
              ○─╯  join   left, right
            """,
            id="diamond",
        ),
        pytest.param(
            SKIP,
            """
            flow
              ●    load
              ├─●  clean   load
              │ ●  model   clean
              ○─╯  report  load, model
            """,
            id="skip",
        ),
    ],
)
def test_the_shape_of_a_pipeline_can_be_seen(edges: list[tuple[str, str]], text: str) -> None:
    """Stages stand in order, with lines for values and the names of arguments."""
    assert tree_text(pictured(edges)) == dedent(text).strip()


def test_the_same_in_ascii() -> None:
    """Where nothing else can be shown, the drawing has other characters in the same places."""
    expected = """
        flow
          *    load
          +-*  left   load
          * |  right  load
          o-'  join   left, right
        """

    assert tree_text(pictured(DIAMOND), ascii=True) == dedent(expected).strip()


def test_where_arguments_come_from() -> None:
    """Stages by name; parameters together; whatever else is bound, each on its own."""
    flow = Pipeline("flow", Parameters.define(first=1, last=2, rate=3))
    flow.stage("load")(lambda first, last: None)
    flow.stage("fit")(lambda load, rate, depth=3: None)

    assert tree_text(flow).splitlines() == [
        "flow",
        "  ●  load  first, last <- parameters",
        "  ○  fit   load; rate <- parameter",
    ]


def test_a_run_shows_signs_times_and_reasons() -> None:
    """What went well shows its time, everything else its state, with the reason below."""
    nodes = (
        Node("load", "load", state="ok", duration_s=0.25),
        Node("fit", "fit", state="failed", duration_s=1.0, note="ValueError: no rows"),
        Node("plot", "plot", state="blocked", note='needs "fit", which failed'),
    )
    edges = (Edge("load", "fit"), Edge("fit", "plot"))
    description = Description("flow", "run", "flow: failed in 1.25 s", nodes, edges)

    assert tree_text(description).splitlines() == [
        "flow: failed in 1.25 s",
        "  ●  ✓ load  0.25 s",
        "  ●  ✗ fit   failed   ValueError: no rows",
        '  ○  ⊘ plot  blocked  needs "fit", which failed',
    ]
    assert tree_text(description, ascii=True).splitlines()[1:] == [
        "  *  [ok] load  0.25 s",
        "  *  [!!] fit   failed   ValueError: no rows",
        '  o  [xx] plot  blocked  needs "fit", which failed',
    ]


def test_a_reason_stands_below_the_arguments() -> None:
    """The lines of the drawing go on beside it."""
    nodes = (
        Node("load", "load", state="run"),
        Node(
            "fit", "fit", state="skip", note="given", arguments=(Argument("load", "stage", "load"),)
        ),
        Node("plot", "plot", state="run"),
    )
    edges = (Edge("load", "fit"), Edge("load", "plot"), Edge("fit", "plot"))
    description = Description("flow", "plan", "flow: 2 of 3 stages will run", nodes, edges)

    assert tree_text(description).splitlines()[2:4] == [
        "  ├─●  - fit   skip  load",
        "  │ │                given",
    ]


def test_many_arguments_take_several_lines() -> None:
    """Lines end between arguments, and the drawing goes on beside them."""
    names = [f"argument_{number}" for number in range(12)]
    flow = Pipeline("flow", Parameters.define(**dict.fromkeys(names, 1)))
    flow.stage("load")(eval(f"lambda {', '.join(names)}: None"))
    flow.stage("fit")(lambda load: None)

    lines = tree_text(flow, width=60).splitlines()

    assert all(len(line) <= 60 for line in lines)
    assert lines[1].endswith(",")
    assert lines[2].startswith("  │        argument_")
    assert lines[-2].endswith("<- parameters")


def test_too_many_lines_side_by_side_are_not_drawn() -> None:
    """The list is still there."""
    keys = [f"s{number}" for number in range(20)]
    nodes = tuple(Node(key, key) for key in [*keys, "end"])
    edges = tuple(Edge(key, "end") for key in keys)

    lines = tree_text(Description("flow", "pipeline", "flow", nodes, edges)).splitlines()

    assert lines == ["flow", *(f"  {key}" for key in [*keys, "end"])]


def test_mistakes_follow_the_stages() -> None:
    """Whoever looks at a pipeline that cannot run learns why."""
    flow = Pipeline("flow")
    flow.stage("fit")(lambda lod: None)

    lines = tree_text(flow).splitlines()

    assert lines[:3] == ["flow", "  ○  fit  lod <- ?", "1 mistake"]
    assert lines[3].startswith('  stage "fit": nothing gives its argument "lod" a value')


def test_a_pipeline_without_stages_has_one_mistake() -> None:
    """There is nothing to list but that."""
    lines = tree_text(Pipeline("flow")).splitlines()

    assert lines[:2] == ["flow", "1 mistake"]
    assert "has no stages" in lines[2]


names = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["<script>", 'a"]', "two\nlines", "\u202eleft", "\x1b[2J", "\x00", "\ud800", "読む", "a\tb"]
)


@settings(deadline=None)
@given(st.lists(names, unique=True, max_size=6), st.booleans())
def test_no_name_breaks_the_lines(keys: list[str], is_ascii: bool) -> None:
    """Each stage has one line, and nothing in it can move a cursor or turn the text round."""
    nodes = tuple(Node(key, key, arguments=(Argument(key, "immediate", key),)) for key in keys)

    text = tree_text(Description("flow", "pipeline", "flow", nodes), ascii=is_ascii, width=10_000)

    assert len(text.split("\n")) == 1 + len(keys)
    assert not set(text) & set("\x00\x1b\t\r\u2028\u2029\u202a\u202b\u202d\u202e\x85\ud800")
    assert not is_ascii or text.isascii()
