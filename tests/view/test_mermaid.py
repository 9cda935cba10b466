from __future__ import annotations

import re
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pypedream import Parameters, Pipeline, dependency
from pypedream.log.terminal import visible
from pypedream.view import to_mermaid
from pypedream.view.description import Description, Edge, Group, Node
from pypedream.view.mermaid import label_of

LABEL = r'"[^"\[\](){}<>|`%;#:]*(?:\#\d+;[^"\[\](){}<>|`%;#:]*)*"'
LINE = re.compile(
    rf"""
    flowchart\ TD
    | \ *n\d+(\[{LABEL}\]|\(\[{LABEL}\]\)):::[a-z]+
    | \ *subgraph\ g\d+\[{LABEL}\]
    | \ *end
    | \ *n\d+\ (-->|-\.->|--\ {LABEL}\ -->|-\.\ {LABEL}\ \.->)\ n\d+
    | \ *classDef\ [a-z]+\ [\w:#,\ -]+
    """,
    re.VERBOSE,
)


def shown(label: str) -> str:
    """What a reader sees of a label."""
    return unescape(re.sub(r"#(\d+);", r"&#\1;", label))


def chain(*keys: str) -> Description:
    nodes = tuple(Node(key, key) for key in keys)
    edges = tuple(Edge(*pair) for pair in pairwise(keys))
    return Description("flow", "pipeline", "flow", nodes, edges)


def test_a_diamond() -> None:
    """Stages are nodes with ids of our own, values are arrows."""
    edges = [("load", "left"), ("load", "right"), ("left", "join"), ("right", "join")]
    nodes = tuple(Node(key, key) for key in ("load", "left", "right", "join"))
    description = Description("f", "pipeline", "f", nodes, tuple(Edge(*edge) for edge in edges))

    assert to_mermaid(description).splitlines()[:9] == [
        "flowchart TD",
        '  n0["load"]:::stage',
        '  n1["left"]:::stage',
        '  n2["right"]:::stage',
        '  n3["join"]:::stage',
        "  n0 --> n1",
        "  n0 --> n2",
        "  n1 --> n3",
        "  n2 --> n3",
    ]


@given(st.text(max_size=20))
@example('<script>alert("x")</script>')
@example('"] --> x["')
@example("two\nlines")
@example("\u202etxt")
@example("%%{init: {}}%%")
@example("`code`")
@example("click n0 javascript:alert(1)")
@example("#quot;")
@example("1. one")
def test_no_name_becomes_a_part_of_the_diagram(name: str) -> None:
    """Every line has one of the forms that we write, whatever stages are called."""
    group = Group("g" + name, "g" + name)
    nodes = (Node(name, name), Node("b" + name, "b", group=group.key), Node("c", "c", state="ok"))
    edges = (Edge(name, "c", arguments=(name + "2",)), Edge("c", "b" + name, "order"))

    text = to_mermaid(Description("f", "run", "f", nodes, edges, (group,)))

    assert [line for line in text.split("\n") if not LINE.fullmatch(line)] == []


# HTML has no way to write a code point that is no character.
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=20))
def test_a_label_shows_the_name(name: str) -> None:
    """Nothing of a name is lost but spaces around it."""
    assert shown(label_of(name)) == visible(name).strip()


def test_included_pipelines_are_subgraphs() -> None:
    """Within a subgraph names are short, and one may be within another."""
    inner = Pipeline("inner", stages={"load": lambda: None, "clean": lambda load: None})
    middle = Pipeline("middle")
    middle.include(inner, prefix="deep")
    outer = Pipeline("outer", stages={"plot": lambda: None})
    outer.include(middle, prefix="bronze")

    text = to_mermaid(outer)

    assert text.splitlines()[1:9] == [
        '  n0["plot"]:::stage',
        '  subgraph g0["bronze"]',
        '    subgraph g1["deep"]',
        '      n1["load"]:::stage',
        '      n2["clean"]:::stage',
        "    end",
        "  end",
        "  n1 --> n2",
    ]


def test_an_arrow_says_what_has_another_name_on_the_other_side() -> None:
    """An argument that is called like its stage needs no label."""
    flow = Pipeline("flow", stages={"load": lambda: None, "fit": lambda load: None})
    flow.stage("plot", inputs=[dependency("fit", "line")])(lambda line: None)

    assert [line.strip() for line in to_mermaid(flow).splitlines()[4:6]] == [
        "n0 --> n1",
        'n1 -- "line" --> n2',
    ]


@pytest.mark.parametrize(
    "kind, arrow",
    [
        pytest.param("order", "n0 -.-> n1", id="order"),
        pytest.param("condition", 'n0 -. "if" .-> n1', id="condition"),
    ],
)
def test_what_is_not_a_value_is_dotted(kind: str, arrow: str) -> None:
    """Order and conditions look different from values."""
    nodes = (Node("a", "a"), Node("b", "b"))

    text = to_mermaid(Description("f", "pipeline", "f", nodes, (Edge("a", "b", kind),)))

    assert arrow in text


def test_states_have_signs_and_classes() -> None:
    """The colour is said once for each state."""
    nodes = (Node("a", "a", state="ok"), Node("b", "b", state="ok"), Node("c", "c", state="failed"))

    lines = to_mermaid(Description("f", "run", "f", nodes)).splitlines()

    assert [shown(line).strip() for line in lines[1:4]] == [
        'n0["✓ a"]:::ok',
        'n1["✓ b"]:::ok',
        'n2["✗ c"]:::failed',
    ]
    assert [line.split()[:2] for line in lines[4:]] == [["classDef", "ok"], ["classDef", "failed"]]


def test_parameters_are_rounded() -> None:
    """They are told from stages by their shape."""
    flow = Pipeline("flow", Parameters.define(year=1990), {"load": lambda year: None})

    assert '  n0(["year = 1990"]):::parameter' in to_mermaid(flow, parameters=True).splitlines()
