"""The code of the first README, and the names of its author's later versions, run as written."""

from __future__ import annotations

import importlib.util
import sys
from contextvars import ContextVar
from datetime import date
from types import ModuleType

import pytest

import pypedream
from pypedream import (
    CHILL,
    PRESERVE,
    STRICT,
    WARN_UNEXPECTED,
    DependencyInputMapper,
    Input,
    InputBinding,
    KeyedInputMapper,
    KeyedOutputMapper,
    Parameters,
    Pipeline,
    SequentialOutputMapper,
    Stage,
    Variables,
    context,
    dependency,
    immediate,
    param,
    var,
)
from pypedream.errors import UndefinedInputException

FUNCTIONS = """
# mymodule.py
from datetime import date
from typing import Any

def get_data(source: Any, for_day: date) -> Any:
    return f"{source} for day {for_day}"

def combine_data(data1: Any, data2: Any) -> Any:
    return f"{data1} and {data2}"

def validate_data(new_data: Any, sources: list[Any]) -> bool:
    return all(source in new_data for source in sources)
"""

PIPELINE = """
import pypedream
from pypedream import (
    Pipeline,
    Parameters,
    Stage,
    Input,
    InputBinding,
    KeyedInputMapper,
    DependencyInputMapper,
    context
)

pipeline = pypedream.Pipeline(
    "my pipeline",
    Parameters.define(
        source1='your_mom',
        source2='your_girlfriend'
    ),
    stages={
        "get_data1": Stage(
            get_data,
            inputs=[
                Input(as_arg="source", bind=InputBinding.deferred(context.PARAMETERS, mapper=KeyedInputMapper(from_key="source2"))),
                Input(as_arg="for_day", bind=InputBinding.now(date.today())),
            ]
        ),
        "get_data2": Stage(
            get_data,
            inputs=[
                Input(as_arg="source", bind=InputBinding.deferred(context.PARAMETERS, mapper=KeyedInputMapper(from_key="source1"))),
                Input(as_arg="for_day", bind=InputBinding.now(date.today())),
            ]
        ),
        "combine_data": Stage(
            combine_data,
            inputs=[
                Input(as_arg="data1", bind=InputBinding.deferred(context.STAGES, mapper=DependencyInputMapper(from_stage="get_data1"))),
                Input(as_arg="data2", bind=InputBinding.deferred(context.STAGES, mapper=DependencyInputMapper(from_stage="get_data2"))),
            ]
        ),
        "validate_data": Stage(
            validate_data,
            inputs=[
                Input(as_arg="new_data", bind=InputBinding.deferred(context.STAGES, mapper=DependencyInputMapper(from_stage="combine_data"))),
                Input(as_arg="sources", bind=InputBinding.deferred(context.PARAMETERS, mapper=lambda params: [params["source1"], params["source2"]]))
            ]
        )
    }
)
"""  # noqa: E501 - written as it was


def load(name: str, path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def readme(tmp_path, monkeypatch) -> Pipeline:
    """The pipeline of the first README, its functions in a module of their own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mymodule.py").write_text(FUNCTIONS, encoding="utf-8")
    text = f"from mymodule import *\n{PIPELINE}"
    (tmp_path / "flow.py").write_text(text, encoding="utf-8")
    try:
        yield load("seed_readme_flow", tmp_path / "flow.py").pipeline
    finally:
        for name in ("mymodule", "seed_readme_flow"):
            sys.modules.pop(name, None)


def test_the_readme_runs_as_written(readme, capsys):
    """Four stages, wired by explicit bindings, give what their functions give by hand."""
    today = date.today()  # noqa: DTZ011 - as the README has it

    run = readme.run()

    first, second = f"your_girlfriend for day {today}", f"your_mom for day {today}"
    assert run == {
        "get_data1": first,
        "get_data2": second,
        "combine_data": f"{first} and {second}",
        "validate_data": True,
    }
    assert run.state == "ok"
    assert capsys.readouterr().out == ""


def test_the_readme_leaves_no_file_behind(readme, tmp_path):
    """A run writes nothing into the folder that it was started in."""
    before = {path.name for path in tmp_path.iterdir()}

    readme.run()

    assert {path.name for path in tmp_path.iterdir()} == before


def test_the_readme_is_planned_in_order(readme):
    """The stages run in the order in which they were written, each after what it reads."""
    stages = readme.plan().stages

    assert list(stages) == ["get_data1", "get_data2", "combine_data", "validate_data"]
    assert stages["combine_data"].after == ("get_data1", "get_data2")
    assert stages["validate_data"].after == ("combine_data",)


def test_parameters_of_the_readme_are_set_by_keyword(readme):
    """What a run sets reaches the mappers and the lambda, and changes nothing for the next."""
    run = readme.run(source1="the shop", source2="the bank")

    assert run["get_data1"].startswith("the bank for day")
    assert run["validate_data"] is True
    assert readme.run()["get_data2"].startswith("your_mom")


def test_a_failing_stage_of_the_readme_ends_its_run(readme):
    """After a failure no later stage is called, and the failure itself is raised."""
    called = []

    def broken(data1, data2):
        raise ZeroDivisionError("no data")

    with_failure = Pipeline(
        "broken",
        readme.parameters,
        stages={
            **readme.stages,
            "combine_data": Stage(broken, inputs=readme.stages["combine_data"].inputs),
            "validate_data": Stage(called.append, inputs=[dependency("combine_data", "object")]),
        },
        progress=False,
    )

    with pytest.raises(ZeroDivisionError, match="no data"):
        with_failure.run()

    assert called == []
    assert with_failure.last_run.state == "failed"


def run_of(function, *inputs, **more):
    """Run one stage called "it" and return its result."""
    flow = Pipeline("later names", progress=False, **more)
    flow.stage(function, name="it", inputs=inputs)
    return flow.run()["it"]


@pytest.mark.parametrize(
    "bind", [InputBinding.immediate, InputBinding.now], ids=["immediate", "now"]
)
def test_immediate_binds_a_value(bind):
    """A value that is known at definition reaches the argument, mapped when it is asked for."""
    assert bind(3)() == 3
    assert bind(3, lambda value: value + 1)() == 4
    assert run_of(lambda x: x, Input("x", bind(3))) == 3


@pytest.mark.parametrize(
    "bind", [InputBinding.contextual, InputBinding.deferred], ids=["contextual", "deferred"]
)
def test_contextual_binds_a_context_variable(bind):
    """What a ContextVar holds when the stage is called reaches the argument."""
    region = ContextVar("region", default="north")

    assert bind(region)() == "north"
    assert run_of(lambda x: x, Input("x", bind(region, mapper=str.upper))) == "NORTH"


def test_contextual_without_getting_first_hands_over_the_variable():
    """With get_first=False the mapper gets the ContextVar, which may be unset."""
    unset = ContextVar("unset")
    binding = InputBinding.contextual(unset, lambda it: it.get("none"), get_first=False)

    assert run_of(lambda x: x, Input("x", binding)) == "none"


def test_callback_binds_what_a_function_returns():
    """The function is called with its arguments when the stage is called, then mapped."""
    binding = InputBinding.callback(max, 3, 5, mapper=lambda value: value * 2)

    assert run_of(lambda x: x, Input("x", binding)) == 10


def test_callback_without_calling_first_hands_over_the_function():
    """With call_first=False the mapper gets the function itself."""
    binding = InputBinding.callback(max, mapper=lambda it: it.__name__, call_first=False)

    assert run_of(lambda x: x, Input("x", binding)) == "max"


def test_keyed_input_mapper_has_default_and_required():
    """A key that is missing is an error, a default, or nothing at all."""
    assert KeyedInputMapper(from_key="rate", default=3, required=False)({}) == 3
    assert KeyedInputMapper("rate", 3)({"rate": 4}) == 4
    with pytest.raises(UndefinedInputException, match='nothing under "rate"'):
        KeyedInputMapper(from_key="rate", required=True)({})


def test_dependency_input_mapper_has_output_default_and_required():
    """An output that is missing is an error, a default, or nothing at all."""
    stages = {"load": {"return": 3, "rows": 4}}

    assert DependencyInputMapper(from_stage="load")(stages) == 3
    assert DependencyInputMapper("load", "rows")(stages) == 4
    assert DependencyInputMapper("load", from_output="cols", default=5, required=False)(stages) == 5
    with pytest.raises(UndefinedInputException, match='has no output "cols"'):
        DependencyInputMapper("load", "cols", required=True)(stages)


@pytest.mark.parametrize(
    "mapper, returned, outputs",
    [
        (SequentialOutputMapper(["a", "b"], STRICT), [1, 2], {"a": 1, "b": 2}),
        (SequentialOutputMapper(["a"], CHILL), [1, 2], {"a": 1}),
        (SequentialOutputMapper(keys=["a"], behaviour=PRESERVE), [1, 2], {"a": 1, "_extra": [2]}),
        (KeyedOutputMapper({"x": "a"}, STRICT), {"x": 1}, {"a": 1}),
        (KeyedOutputMapper({"x": "a"}, CHILL), {"x": 1, "y": 2}, {"a": 1}),
        (
            KeyedOutputMapper(keys={"x": "a"}, behaviour=PRESERVE),
            {"x": 1, "y": 2},
            {"a": 1, "y": 2},
        ),
    ],
    ids=lambda value: type(value).__name__ if callable(value) else "",
)
def test_output_mappers_name_what_a_stage_returns(mapper, returned, outputs):
    """The third argument of a stage names its outputs; the return value stays what it is."""
    flow = Pipeline("outputs", stages={"it": Stage(lambda: returned, [], mapper)}, progress=False)

    run = flow.run()

    assert run.outputs["it"] == {"return": returned, **outputs}
    assert run["it"] == returned


def test_an_output_mapper_warns_of_what_it_did_not_expect():
    """WARN_UNEXPECTED is added to a behaviour by |."""
    mapper = SequentialOutputMapper(["a"], CHILL | WARN_UNEXPECTED)

    with pytest.warns(UserWarning, match='returned 2 values for "a"'):
        assert mapper([1, 2]) == {"a": 1}


def test_the_shorthands_take_the_argument_second():
    """param, var and dependency name their source, then the argument; immediate its value."""
    flow = Pipeline(
        "short", Parameters.define(rate=2), variables=Variables.define(count=3), progress=False
    )
    flow.stage(lambda: 5, name="load")
    inputs = [param("rate", "a"), var("count", "b"), dependency("load", "c"), immediate(7, "d")]
    flow.stage(lambda a, b, c, d: (a, b, c, d), name="all", inputs=inputs)

    assert flow.run()["all"] == (2, 3, 5, 7)


def test_the_shorthands_are_inputs():
    """A shorthand is the explicit form: equal to it, and readable."""
    assert param("rate", "a") == Input(
        as_arg="a",
        bind=InputBinding.contextual(context.PARAMETERS, mapper=KeyedInputMapper(from_key="rate")),
        logged=False,
    )
    assert dependency("load", "rows", "train") == Input(
        "rows", InputBinding.deferred(context.STAGES, DependencyInputMapper("load", "train"))
    )
    assert immediate(3, "x").get() == {"x": 3}


def test_the_stage_decorator_of_a_pipeline_keeps_the_function():
    """@pipeline.stage(...) takes inputs and an output mapper, and returns the function."""
    flow = Pipeline("decorated", Parameters.define(rate=2), progress=False)

    @flow.stage(inputs=[param("rate", "factor")], output_mapper=SequentialOutputMapper(["a", "b"]))
    def pair(factor):
        return factor, factor + 1

    assert pair(10) == (10, 11)
    assert flow.run().outputs["pair"]["b"] == 3


def test_all_names_are_in_the_package():
    """Every name is reached from pypedream itself, as the README imports it."""
    for name in ("Pipeline", "Parameters", "Variables", "Stage", "Input", "InputBinding"):
        assert name in pypedream.__all__
        assert getattr(pypedream, name).__name__ == name
