"""Inputs: which argument gets its value from where, and when it is read."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import pytest

from pypedream import (
    DependencyInputMapper,
    Input,
    InputBinding,
    KeyedInputMapper,
    Parameters,
    Pipeline,
    Stage,
    Variables,
    context,
    dependency,
    immediate,
    param,
    var,
)
from pypedream.errors import DefinitionError, UnboundInputException, UndefinedInputException
from pypedream.inputs import key_read_by, stage_read_by


def flow_with(function, *inputs, **more) -> Pipeline:
    flow = Pipeline("inputs", progress=False, **more)
    flow.stage(lambda: {"a": 1}, name="load")
    flow.stage(function, name="it", inputs=inputs)
    return flow


@pytest.mark.parametrize(
    "shorthand, argument",
    [
        (param("rate"), "rate"),
        (param("model.depth"), "depth"),
        (param("model.depth", "how_deep"), "how_deep"),
        (var("count"), "count"),
        (dependency("load"), "load"),
        (dependency("bronze.load"), "load"),
        (dependency("split", from_output="train"), "train"),
        (dependency("split", "rows", "train"), "rows"),
        (immediate(3, "x"), "x"),
    ],
    ids=["param", "nested", "both", "var", "stage", "included", "output", "all", "immediate"],
)
def test_the_argument_is_named_like_the_source(shorthand, argument):
    """Without a second argument a shorthand binds the argument of the same name."""
    assert shorthand.as_arg == argument


def test_a_binding_reads_when_it_is_called():
    """A deferred binding sees what the ContextVar holds at that moment; an immediate does not."""
    region = ContextVar("region", default="north")
    late, now = InputBinding.deferred(region), InputBinding.now(region.get())

    region.set("south")

    assert (late(), now()) == ("south", "north")


def test_a_callback_is_called_for_each_call_of_the_stage():
    """What a callback returns is not kept from one run to the next."""
    numbers = iter(range(10))
    flow = flow_with(lambda x: x, Input("x", InputBinding.callback(next, numbers)))

    assert [flow.run()["it"], flow.run()["it"]] == [0, 1]


def test_an_unset_variable_has_no_value():
    """A ContextVar without a value is named."""
    binding = InputBinding.deferred(ContextVar("region"))

    with pytest.raises(UnboundInputException, match='context variable "region" is not set'):
        binding()


def test_what_a_mapper_misses_leaves_the_argument_unbound():
    """The error of a mapper stays readable as the one that it is."""
    binding = InputBinding.now({}, KeyedInputMapper("rate"))

    with pytest.raises(UnboundInputException, match='nothing under "rate"') as caught:
        binding()

    assert isinstance(caught.value.__cause__, UndefinedInputException)


def test_what_a_mapper_raises_comes_as_it_is():
    """A user's mistake in a mapper is the user's exception, with the argument in a note."""
    flow = flow_with(lambda x: x, Input("x", InputBinding.now(0, lambda value: 1 / value)))

    with pytest.raises(ZeroDivisionError) as caught:
        flow.run()

    assert 'while binding argument "x" of stage "it"' in caught.value.__notes__


@dataclass(frozen=True)
class Frozen(Exception):
    """Takes no note."""


def test_what_takes_no_note_is_raised_as_it_is():
    """A mapper's own exception is not replaced by one of its class."""

    def refuse(_):
        raise Frozen

    flow = flow_with(lambda x: x, Input("x", InputBinding.now(0, refuse)))

    with pytest.raises(Frozen):
        flow.run()


def test_an_opaque_mapper_may_read_any_context_variable():
    """A mapper of PARAMETERS may look at VARIABLES and STAGES, too."""

    def mapper(parameters):
        stages, variables = context.STAGES.get(), context.VARIABLES.get()
        return parameters["rate"], stages["load"]["return"], variables["count"]

    flow = flow_with(
        lambda x: x,
        Input("x", InputBinding.deferred(context.PARAMETERS, mapper)),
        parameters=Parameters.define(rate=2),
        variables=Variables.define(count=3),
    )

    assert flow.run()["it"] == (2, {"a": 1}, 3)


def test_an_opaque_mapper_of_stages_waits_for_all_before_it():
    """What a function reads of the stages cannot be seen, so all above it come first."""
    flow = flow_with(lambda x: x, Input("x", InputBinding.deferred(context.STAGES, list)))
    flow.stage(lambda: 0, name="later")

    assert flow.plan().stages["it"].after == ("load",)
    assert flow.run()["it"] == ["load"]


def test_after_says_what_an_opaque_mapper_waits_for():
    """With after= the stage waits for those stages and no others."""
    flow = Pipeline("order", progress=False)
    flow.stage(lambda: 1, name="first")
    flow.stage(lambda: 2, name="second")
    names = Input("x", InputBinding.deferred(context.STAGES, lambda stages: "second" in stages))
    flow.stage(lambda x: x, name="it", inputs=[names], after="first")

    assert flow.plan().stages["it"].after == ("first",)


@pytest.mark.parametrize(
    "one, source, expected",
    [
        (param("rate", "x"), "parameters", 2),
        (param("nothing", "x", default=5), "parameters", 5),
        (param("nothing", "x", required=False), "parameters", "own"),
        (var("count", "x"), "variables", 3),
        (var("nothing", "x", default=5), "variables", 5),
        (dependency("load", "x"), "stages", {"a": 1}),
        (dependency("nothing", "x", default=5), "stages", 5),
        (dependency("load", "x", "part", default=5), "stages", 5),
        (dependency("load", "x", "part", required=False), "stages", "own"),
        (immediate(7, "x"), "", 7),
    ],
    ids=lambda value: "",
)
def test_defaults_stand_in_for_what_is_not_there(one, source, expected):
    """A default of the input comes before the function's own."""
    flow = flow_with(
        lambda x="own": x,
        one,
        parameters=Parameters.define(rate=2),
        variables=Variables.define(count=3),
    )

    assert flow.run()["it"] == expected


def test_a_parameter_without_value_leaves_the_functions_default():
    """A required parameter is not required by a stage whose argument has a default."""
    flow = Pipeline("optional", Parameters.define("source"), progress=False)

    @flow.stage
    def load(source="here"):
        return source

    assert flow.run()["load"] == "here"
    assert flow.run(source="there")["load"] == "there"


def test_a_skipped_stage_leaves_the_default():
    """An argument that reads a skipped stage and has a default gets that."""
    flow = Pipeline("skipping", Parameters.define(flag=False), progress=False)
    flow.stage(lambda: 1, name="load", when="flag")
    flow.stage(lambda rows=0: rows, name="plot", inputs=[dependency("load", "rows")])

    assert flow.run() == {"plot": 0}
    assert flow.run(flag=True)["plot"] == 1


def test_a_logged_input_is_part_of_what_the_stage_logs():
    """The value of a logged input stands in every event of the stage."""
    flow = flow_with(
        lambda rate: print("rated"),
        param("rate", logged=True),
        parameters=Parameters.define(rate=2),
    )

    printed = [event for event in flow.run().events if event.kind == "print"]

    assert [(event.event, event.data["rate"]) for event in printed] == [("rated", 2)]


def test_an_input_knows_where_it_was_written():
    """The place is the line of the call, also through a shorthand."""
    explicit = Input("x", InputBinding.now(3))
    short = param("rate")

    assert explicit.place is not None
    assert short.place is not None
    assert Path(explicit.place.file).name == "test_inputs.py"
    assert short.place.line == explicit.place.line + 1


def test_the_place_does_not_make_inputs_different():
    """Inputs that say the same are equal wherever they were written."""
    first = dependency("load", "rows", "train", default=None, logged=True)
    second = Input(
        "rows",
        InputBinding.contextual(context.STAGES, DependencyInputMapper("load", "train", None)),
        logged=True,
    )

    assert first == second
    assert first != param("load", "rows")


def test_a_plan_can_read_bindings_of_mappers():
    """A binding says which stage or key it reads only through the mappers that name it."""
    opaque = InputBinding.deferred(context.STAGES, lambda stages: stages["load"])

    assert stage_read_by(dependency("load").bind).from_stage == "load"
    assert stage_read_by(opaque) is None
    assert key_read_by(param("rate").bind, context.PARAMETERS).from_key == "rate"
    assert key_read_by(param("rate").bind, context.VARIABLES) is None


class Loud(KeyedInputMapper):
    """A mapper of the user's that does more than its base."""

    def __call__(self, source):
        return f"{super().__call__(source)}!"


@pytest.mark.parametrize(
    "binding, expected",
    [
        (InputBinding.deferred(context.PARAMETERS, Loud("word")), "hey!"),
        (
            InputBinding.deferred(
                context.PARAMETERS, lambda it: it.get()["word"].upper(), get_first=False
            ),
            "HEY",
        ),
    ],
    ids=["derived", "not-read-first"],
)
def test_what_may_do_anything_is_called(binding, expected):
    """A plan takes only the two mappers themselves at their word, and only on a value."""
    flow = flow_with(lambda x: x, Input("x", binding), parameters=Parameters.define(word="hey"))

    assert key_read_by(binding, context.PARAMETERS) is None
    assert flow.run()["it"] == expected


@pytest.mark.parametrize(
    "one, source",
    [
        (param("rate", "x"), 'parameter "rate" (default)'),
        (var("count", "x"), 'variable "count"'),
        (dependency("load", "x"), 'stage "load"'),
        (dependency("load", "x", "a"), 'output "a" of stage "load"'),
        (immediate(3, "x"), "the definition"),
        (Input("x", InputBinding.deferred(context.RUN)), "context.RUN"),
        (Input("x", InputBinding.deferred(ContextVar("region", default=1))), "region"),
        (Input("x", InputBinding.callback(max, 1, 2)), "callback max"),
        (Input("x", InputBinding.callback(lambda: 1)), "a callback"),
    ],
    ids=[
        "param",
        "var",
        "stage",
        "output",
        "value",
        "context",
        "own-context",
        "callback",
        "lambda",
    ],
)
def test_the_source_of_a_value_is_told_when_a_stage_fails(one, source):
    """Whatever an argument is bound to can be named in words."""
    flow = Pipeline(
        "sources", Parameters.define(rate=2), variables=Variables.define(count=3), progress=False
    )
    flow.stage(lambda: {"a": 1}, name="load", output_mapper=lambda value: value)
    flow.stage(lambda x: 1 / 0, name="it", inputs=[one])

    with pytest.raises(ZeroDivisionError):
        flow.run()

    assert flow.last_run.failure.inputs["x"].source.endswith(source.replace("region", '"region"'))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Input(3, InputBinding.now(1)), "as_arg is the name of an argument, not 3"),
        (lambda: Input("x", 3), 'argument "x" is bound to 3'),
        (lambda: InputBinding.deferred("rate"), "reads a ContextVar"),
        (lambda: InputBinding.contextual(Parameters.define()), "reads a ContextVar"),
        (lambda: InputBinding.callback("f"), "'f' cannot be called"),
        (lambda: InputBinding.now(3, mapper="f"), "'f' cannot be called"),
        (lambda: param(3), "from_key is a name, not 3"),
        (lambda: dependency(print), 'not the function print; did you mean "print"'),
        (lambda: Stage(len, [3]), "inputs= holds 3, which is no Input"),
    ],
    ids=range(9),
)
def test_what_is_no_input_is_refused_where_it_is_written(make, message):
    """A mistake in an input raises at once, with its place."""
    with pytest.raises(DefinitionError, match=r"\(.*test_inputs\.py:\d+\)$") as caught:
        make()

    assert message in str(caught.value)
