from __future__ import annotations

import pytest

from pypedream import (
    Input,
    InputBinding,
    Parameter,
    Parameters,
    Pipeline,
    Secret,
    Variables,
    context,
    dependency,
    immediate,
)
from pypedream.view import describe
from pypedream.view.description import Argument, Description, Edge, Group


def flow_of(*functions: object, **options: object) -> Pipeline:
    flow = Pipeline("flow", progress=False, **options)  # type: ignore[arg-type]
    for function in functions:
        flow.stage(function)  # type: ignore[call-overload]
    return flow


def load(year): ...


def clean(load): ...


def plot(clean, load): ...


def argument(description: Description, stage: str, name: str) -> Argument:
    node = next(node for node in description.nodes if node.key == stage)
    return next(one for one in node.arguments if one.name == name)


def test_a_pipeline_has_stages_and_edges() -> None:
    """Each stage is a node, in the order of the run; each value that is read is an edge."""
    description = describe(flow_of(plot, load, clean, parameters=Parameters.define(year=1990)))

    assert description.headline == "flow"
    assert [node.key for node in description.nodes] == ["load", "clean", "plot"]
    assert description.edges == (
        Edge("load", "clean", arguments=("load",)),
        Edge("clean", "plot", arguments=("clean",)),
        Edge("load", "plot", arguments=("load",)),
    )
    assert {node.state for node in description.nodes} == {""}


def test_a_plan_has_decisions_with_reasons() -> None:
    """A stage that will not run says why."""
    flow = flow_of(load, clean, plot, parameters=Parameters.define(year=1990))

    description = describe(flow.plan(until="clean"))

    assert description.headline == "flow: 2 of 3 stages will run"
    assert [node.status for node in description.nodes] == [
        "run",
        "run",
        "skip: not selected (until=clean)",
    ]


def test_a_run_has_states_durations_and_errors() -> None:
    """What failed says what it raised; what was never called has no duration."""

    def first(): ...

    def second(first):
        raise ValueError("no rows\nin the file")

    def third(second): ...

    description = describe(flow_of(first, second, third).run(on_error="continue"))

    states = {node.key: (node.state, node.duration_s is None) for node in description.nodes}
    assert states == {
        "first": ("ok", False),
        "second": ("failed", False),
        "third": ("blocked", True),
    }
    assert description.nodes[1].note == "ValueError: no rows"
    assert description.headline.startswith("flow: failed in ")


def test_an_error_without_text_is_described() -> None:
    """The text of an error is the user's code, and a view must not fail because of it."""

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    def first():
        raise Mute

    run = flow_of(first).run(on_error="continue")

    assert describe(run).nodes[0].note == "Mute"


def test_a_description_is_returned_as_it_is() -> None:
    """Whoever changed a description can draw it."""
    description = describe(flow_of(load, parameters=Parameters.define(year=1990)))

    assert describe(description) is description


def test_anything_else_is_refused() -> None:
    """The error says what can be drawn."""
    with pytest.raises(TypeError, match="a Pipeline, a Plan or a Run can be drawn, not int"):
        describe(3)  # type: ignore[arg-type]


def test_describing_calls_nothing() -> None:
    """Neither stages nor conditions, mappers and callbacks run."""

    def canary(*_: object, **__: object) -> object:
        raise AssertionError("called")

    flow = Pipeline("flow")
    callback = Input("a", InputBinding.callback(canary))
    mapped = Input("b", InputBinding.contextual(context.PARAMETERS, canary))
    flow.stage("one", inputs=[callback, mapped], when=canary)(canary)

    assert [str(one) for one in describe(flow).nodes[0].arguments] == [
        "a <- callback canary",
        "b <- context.PARAMETERS",
        "if its condition holds",
    ]


def test_a_pipeline_with_mistakes_is_described_without_the_unknown() -> None:
    """Edges that lead nowhere are left out; the argument and the mistake say so."""

    def fit(laod, rows): ...

    def rows(): ...

    description = describe(flow_of(load, rows, fit, parameters=Parameters.define(year=1990)))

    assert [edge.source for edge in description.edges] == ["rows"]
    assert str(argument(description, "fit", "laod")) == "laod <- ?"
    assert len(description.mistakes) == 1
    assert 'did you mean "load"?' in description.mistakes[0]


def test_a_cycle_is_described() -> None:
    """Stages that need each other have no order, and are there all the same."""

    def first(second): ...

    def second(first): ...

    def third(): ...

    description = describe(flow_of(first, second, third))

    assert [node.key for node in description.nodes] == ["third", "first", "second"]
    assert len(description.edges) == 2


def test_what_is_only_awaited_is_an_edge_of_order() -> None:
    """Conditions and pure order are told from values."""

    def ready(): ...

    flow = flow_of(ready)
    flow.stage("later", after="ready")(lambda: None)
    flow.stage("maybe", when="ready")(lambda: None)

    description = describe(flow)

    assert description.edges == (
        Edge("ready", "later", "order"),
        Edge("ready", "maybe", "condition"),
    )
    assert [str(one) for node in description.nodes for one in node.arguments] == [
        "after ready",
        "if ready",
    ]


def test_a_mapper_that_may_read_everything_does_not_fill_the_picture() -> None:
    """Of what it waits for, only what is not implied by another edge is an edge."""
    flow = flow_of(load, clean, parameters=Parameters.define(year=1990))
    opaque = InputBinding.contextual(context.STAGES, lambda stages: stages)
    flow.stage("all", inputs=[Input("stages", opaque)])(lambda stages: None)

    edges = [edge for edge in describe(flow).edges if edge.target == "all"]

    assert edges == [Edge("clean", "all", "order", ("stages",))]


def test_several_arguments_from_one_stage_are_one_edge() -> None:
    """The edge has all their names."""

    def rows(): ...

    flow = flow_of(rows)
    inputs = [dependency("rows", "one"), dependency("rows", "two")]
    flow.stage("join", inputs=inputs)(lambda one, two: None)

    assert describe(flow).edges == (Edge("rows", "join", arguments=("one", "two")),)


def test_included_stages_are_in_groups() -> None:
    """A prefix is a group; one that was included by an included pipeline is within it."""
    inner = Pipeline("inner", stages={"load": lambda: None})
    middle = Pipeline("middle")
    middle.include(inner, prefix="deep")
    outer = Pipeline("outer")
    outer.include(middle, prefix="bronze")

    description = describe(outer)

    assert description.groups == (
        Group("bronze", "bronze"),
        Group("bronze.deep", "deep", "bronze"),
    )
    assert [node.group for node in description.nodes] == ["bronze.deep"]


def test_parameters_are_nodes_on_demand() -> None:
    """Those that stages read stand before their first reader, with their values."""
    flow = flow_of(
        load,
        parameters=Parameters.define(year=1990, unread=1),
        variables=Variables.define(count=7),
    )
    flow.stage("counted", when="year")(lambda count, load: None)

    nodes = describe(flow, parameters=True).nodes

    assert [(node.kind, node.label) for node in nodes] == [
        ("parameter", "year = 1990"),
        ("stage", "load"),
        ("variable", "count = 7"),
        ("stage", "counted"),
    ]
    edges = describe(flow, parameters=True).edges
    assert [edge.kind for edge in edges if edge.source == nodes[0].key] == ["value", "condition"]


def test_a_parameter_without_a_value_has_a_question_mark() -> None:
    """What must be set before a run can be seen."""
    flow = flow_of(load, parameters=Parameters.define("year"))

    assert describe(flow, parameters=True).nodes[0].label == "year = ?"


def test_a_run_shows_the_values_that_it_had() -> None:
    """Not those that the pipeline would have now."""
    flow = flow_of(load, parameters=Parameters.define(year=1990))

    assert describe(flow.run(year=2001), parameters=True).nodes[0].label == "year = 2001"


def test_secrets_are_nowhere() -> None:
    """Neither in values nor in errors, and a name that says so hides its value."""
    secret = "hunter2hunter2"

    def login(token, pin, password):
        raise ValueError(f"refused: {token.reveal()}")

    parameters = Parameters.define(token=Parameter(str, default=secret, secret=True))
    flow = Pipeline("flow", parameters, progress=False)
    inputs = [immediate(Secret(secret), "pin"), immediate(secret, "password")]
    flow.stage(login, inputs=inputs)

    run = flow.run(on_error="continue")

    for subject in (flow, run):
        text = str(describe(subject, parameters=True))
        assert secret not in text
        assert "***" in text


def test_a_secret_in_a_long_value_is_hidden_before_it_is_cut() -> None:
    """No part of it is left over at the end of what is shown."""
    secret = "0123456789abcdefghij"
    parameters = Parameters.define(
        token=Parameter(str, default=secret, secret=True),
        url=f"https://example.org/?key={secret}",
    )
    flow = Pipeline("flow", parameters)
    flow.stage("load", inputs=[immediate({"url": f"?{secret}"}, "where")])(lambda where, url: None)

    text = str(describe(flow, parameters=True))

    assert secret[:4] not in text
    assert secret[-4:] not in text


def test_a_stage_says_what_it_is_about() -> None:
    """The first line of its own docstring; not that of partial or of a class."""
    from functools import partial

    def documented():
        """Read the file.

        Slowly.
        """

    flow = flow_of(documented)
    flow.stage("part", inputs=())(partial(documented))

    assert [node.about for node in describe(flow).nodes] == ["Read the file.", ""]


def test_values_known_now_are_shown_shortly() -> None:
    """A value in the definition is a line of limited length."""
    flow = Pipeline("flow")
    flow.stage("one", inputs=[immediate(list(range(1000)), "rows")])(lambda rows: None)

    assert len(argument(describe(flow), "one", "rows").source) <= 24
